//! When two numbers are the same. A spelling is an exact decimal; if the double nearest to it is written (shortest form)
//! as that same decimal again, the number is *comparable* and stands for that double. Others, such as
//! 9007199254740993 or 1e400, equal the same spelling alone.

use std::cmp::Ordering;

/// A number in a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Number {
    Comparable(Finite),
    /// The spelling.
    Other(Box<[u8]>),
}

impl Number {
    pub(crate) fn parse(spelling: &[u8]) -> Self {
        match Finite::parse(spelling) {
            Some(value) => Self::Comparable(value),
            None => Self::Other(spelling.into()),
        }
    }

    pub(crate) fn equals(&self, spelling: &[u8]) -> bool {
        match self {
            Self::Comparable(value) => Finite::parse(spelling) == Some(*value),
            Self::Other(text) => **text == *spelling,
        }
    }
}

/// A double that is neither infinite nor NaN; there is one zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finite(f64);

impl Finite {
    pub(crate) const LOWEST: Self = Self(f64::MIN);
    pub(crate) const HIGHEST: Self = Self(f64::MAX);

    /// The double that a spelling (of JSON's grammar) stands for, if it is comparable.
    pub(crate) fn parse(spelling: &[u8]) -> Option<Self> {
        // 15 digits and no exponent: the way of nearly all. Integers are exact, and so is one division by a power of ten.
        if spelling.len() <= 16 {
            let (negative, digits) = match spelling {
                [b'-', digits @ ..] => (true, digits),
                digits => (false, digits),
            };
            let (mut whole, mut scale, mut point) = (0u64, 0usize, false);
            let plain = digits.len() <= 16
                && digits.iter().all(|byte| match byte {
                    b'0'..=b'9' => {
                        whole = whole * 10 + u64::from(byte - b'0');
                        scale += usize::from(point);
                        true
                    }
                    b'.' if !point => {
                        point = true;
                        true
                    }
                    _ => false,
                });
            if plain && whole < 1_000_000_000_000_000 {
                let magnitude = whole as f64 / POWERS[scale];
                return Some(Self(if negative && whole != 0 { -magnitude } else { magnitude }));
            }
        }
        Self::parse_any(spelling)
    }

    #[cold]
    fn parse_any(spelling: &[u8]) -> Option<Self> {
        let exact = Decimal::parse(spelling)?;
        if exact.digits.is_empty() {
            return Some(Self(0.0));
        }
        if exact.digits.len() > 17 {
            return None;
        }
        let double: f64 = std::str::from_utf8(spelling).ok()?.parse().ok()?;
        let back = format!("{double:e}");
        (double.is_finite() && Decimal::parse(back.as_bytes())? == exact).then_some(Self(double))
    }

    pub(crate) fn bits(self) -> u64 {
        self.0.to_bits()
    }

    /// A key that sorts as the numbers do.
    pub(crate) fn sortable(self) -> u64 {
        let bits = self.0.to_bits();
        if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
    }
}

const POWERS: [f64; 17] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16];

impl PartialEq for Finite {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Finite {}

impl std::hash::Hash for Finite {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}

impl PartialOrd for Finite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Finite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl std::fmt::Display for Finite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// `0.digits × 10^exponent` without zeros at either end: equal numbers are equal values.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn parse(spelling: &[u8]) -> Option<Self> {
        let (negative, unsigned) = match spelling {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let (mantissa, power) = match unsigned.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&unsigned[..at], saturating_integer(&unsigned[at + 1..])?),
            None => (unsigned, 0),
        };
        let point = mantissa.iter().position(|b| *b == b'.').unwrap_or(mantissa.len());
        let mut digits: Vec<u8> = mantissa.iter().copied().filter(|b| *b != b'.').collect();
        let leading = digits.iter().take_while(|b| **b == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let exponent = (point as i64 - leading as i64).saturating_add(power);
        Some(Self { negative, digits, exponent })
    }
}

fn saturating_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let magnitude = digits.iter().try_fold(0i64, |sum, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        Some(sum.saturating_mul(10).saturating_add(i64::from(digit)))
    })?;
    Some(if negative { -magnitude } else { magnitude })
}

/// `numeric`: an interval, each end in or out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Range {
    pub(crate) low: Finite,
    pub(crate) low_open: bool,
    pub(crate) high: Finite,
    pub(crate) high_open: bool,
}

impl Range {
    pub(crate) const ALL: Self =
        Self { low: Finite::LOWEST, low_open: false, high: Finite::HIGHEST, high_open: false };

    pub(crate) fn contains(&self, value: Finite) -> bool {
        let above = if self.low_open { value > self.low } else { value >= self.low };
        let below = if self.high_open { value < self.high } else { value <= self.high };
        above && below
    }

    /// The lowest and the highest sortable number in it: they are next to each other where the doubles are.
    pub(crate) fn closed(&self) -> (u64, u64) {
        let low = self.low.sortable() + u64::from(self.low_open);
        let high = self.high.sortable() - u64::from(self.high_open);
        (low, high)
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let low = if self.low_open { ">" } else { ">=" };
        let high = if self.high_open { "<" } else { "<=" };
        match (self.low == Finite::LOWEST, self.high == Finite::HIGHEST) {
            (true, _) => write!(f, "{high} {}", self.high),
            (_, true) => write!(f, "{low} {}", self.low),
            _ if self.low == self.high => write!(f, "= {}", self.low),
            _ => write!(f, "{low} {} and {high} {}", self.low, self.high),
        }
    }
}
