use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

/// Why a text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The part before the underscore names another kind, or there is none.
    #[error("expected an id that begins with \"{expected}_\", got \"{got}\"")]
    Prefix {
        /// Prefix of the expected kind.
        expected: &'static str,
        /// What was given, shortened.
        got: String,
    },
    /// The part after the underscore is not 26 digits of Crockford's base 32.
    #[error(
        "\"{got}\" is not a valid id: after \"{expected}_\" come 26 characters of 0-9 and a-z without i, l, o, u"
    )]
    Digits {
        /// Prefix of the expected kind.
        expected: &'static str,
        /// What was given, shortened.
        got: String,
    },
}

/// Writes an id: prefix, underscore, 26 digits.
pub fn encode(prefix: &str, id: Uuid) -> String {
    let mut out = String::with_capacity(prefix.len() + 1 + LENGTH);
    out.push_str(prefix);
    out.push('_');
    let value = id.as_u128();
    for i in (0..LENGTH).rev() {
        // `& 31` keeps the index below 32, the length of the table.
        out.push(char::from(DIGITS[((value >> (5 * i)) & 31) as usize]));
    }
    out
}

/// Reads an id of the kind `prefix`.
///
/// # Errors
/// [`IdError`] says whether the kind or the digits are wrong.
pub fn decode(prefix: &'static str, text: &str) -> Result<Uuid, IdError> {
    let got = || text.chars().take(64).collect::<String>();
    let Some(digits) = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) else {
        return Err(IdError::Prefix { expected: prefix, got: got() });
    };
    let wrong = || IdError::Digits { expected: prefix, got: got() };
    if digits.len() != LENGTH || digits.as_bytes()[0] > b'7' {
        return Err(wrong());
    }
    let mut value = 0u128;
    for byte in digits.bytes() {
        let digit = DIGITS.iter().position(|d| *d == byte).ok_or_else(wrong)?;
        value = (value << 5) | digit as u128;
    }
    Ok(Uuid::from_u128(value))
}
