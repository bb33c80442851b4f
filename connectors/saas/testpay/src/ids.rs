//! Ids that cannot be guessed: some of them (`ses_`, `tok_`, `aut_` in a challenge's address) are all a caller shows.

use rand::Rng;

/// Crockford's base 32, lower case.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new id with 130 random bits.
pub(crate) fn new(prefix: &str) -> String {
    let mut rng = rand::rng();
    let mut id = String::with_capacity(prefix.len() + 27);
    id.push_str(prefix);
    id.push('_');
    // The index is below 32 by the range.
    id.extend((0..26).map(|_| char::from(ALPHABET[rng.random_range(0..32)])));
    id
}
