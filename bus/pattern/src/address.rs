//! IP addresses as event patterns know them.

use std::net::IpAddr;

/// Reads an address as EventBridge does: parts of IPv4 may have leading zeros and are decimal; an IPv4-mapped IPv6
/// address (in hexadecimal; with dots it is no address) is the IPv4 address.
pub(crate) fn parse_address(text: &[u8]) -> Option<IpAddr> {
    if text.len() > 39 || !text.first().is_some_and(|first| first.is_ascii_hexdigit() || *first == b':') {
        return None;
    }
    if memchr::memchr(b'.', text).is_some() {
        return parse_v4(text);
    }
    let text = std::str::from_utf8(text).ok()?;
    Some(text.parse::<std::net::Ipv6Addr>().ok()?.to_canonical())
}

fn parse_v4(text: &[u8]) -> Option<IpAddr> {
    if text.len() > 15 {
        return None;
    }
    let mut parts = [0u8; 4];
    let mut texts = text.split(|byte| *byte == b'.');
    for part in &mut parts {
        let digits = texts.next().filter(|digits| !digits.is_empty())?;
        let value = digits.iter().try_fold(0u32, |sum, digit| {
            digit.is_ascii_digit().then(|| (sum * 10 + u32::from(digit - b'0')).min(256))
        })?;
        *part = u8::try_from(value).ok()?;
    }
    texts.next().is_none().then(|| parts.into())
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cidr {
    address: IpAddr,
    bits: u32,
}

impl Cidr {
    /// # Errors
    /// What EventBridge says about it.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut parts = text.split(|byte| *byte == b'/');
        let (Some(address), Some(bits), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err("Malformed CIDR, one '/' required".into());
        };
        let shown = crate::text::show(bits);
        let bits: i32 =
            shown.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer".to_owned())?;
        let bits =
            u32::try_from(bits).map_err(|_| "Malformed CIDR, mask bits must not be negative".to_owned())?;
        let address = parse_address(address)
            .ok_or_else(|| format!("Nonstandard IP address: {}", crate::text::show(address)))?;
        match address {
            IpAddr::V4(_) if bits > 31 => Err("IPv4 mask bits must be < 32".into()),
            IpAddr::V6(_) if bits > 127 => Err("IPv6 mask bits must be < 128".into()),
            _ => Ok(Self { address, bits }),
        }
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && (left_aligned(self.address) ^ left_aligned(address)).leading_zeros() >= self.bits
    }

    /// Its first and its last address.
    pub(crate) fn ends(&self) -> (Place, Place) {
        let (family, bits) = place(self.address);
        let host = u128::MAX >> self.bits;
        ((family, bits & !host), (family, bits | host))
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// Addresses in order: family (4 or 6), and bits from the left.
pub(crate) type Place = (u8, u128);

pub(crate) fn place(address: IpAddr) -> Place {
    (if address.is_ipv4() { 4 } else { 6 }, left_aligned(address))
}

fn left_aligned(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}
