use crate::clock::SharedClock;
use parking_lot::Mutex;
use rand::{RngCore, SeedableRng, rngs::StdRng};
use std::sync::Arc;
use uuid::{Builder, Uuid};

/// Makes ids: UUIDv7 from a clock and a source of randomness, strictly increasing within one source.
#[derive(Clone)]
pub struct Ids(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    state: Mutex<State>,
}

struct State {
    random: StdRng,
    last: u128,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids")
    }
}

impl Ids {
    /// Ids that nobody can guess: seeded by the operating system.
    pub fn random(clock: SharedClock) -> Self {
        Self::from_rng(clock, StdRng::from_os_rng())
    }

    /// The same ids in the same order for the same seed and clock: for tests and generated samples only.
    pub fn seeded(clock: SharedClock, seed: u64) -> Self {
        Self::from_rng(clock, StdRng::seed_from_u64(seed))
    }

    fn from_rng(clock: SharedClock, random: StdRng) -> Self {
        Self(Arc::new(Inner { clock, state: Mutex::new(State { random, last: 0 }) }))
    }

    /// The next id as a bare UUIDv7.
    pub fn next_uuid(&self) -> Uuid {
        let millis = u64::try_from(self.0.clock.now().as_millisecond()).unwrap_or(0);
        let mut state = self.0.state.lock();
        let mut bytes = [0u8; 10];
        state.random.fill_bytes(&mut bytes);
        let mut value = Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().as_u128();
        if value <= state.last && state.last >> 80 >= u128::from(millis) {
            // The clock stands or went back: count on from the last id, so that order of making is order of sorting.
            // 2^32 steps keep the version and variant bits (above the low 62) as they are for all practical counts.
            value = state.last + 1 + u128::from(state.random.next_u32());
        }
        state.last = value;
        Uuid::from_u128(value)
    }

    /// The next id of the kind that the caller asks for.
    pub fn next<T: From<Uuid>>(&self) -> T {
        T::from(self.next_uuid())
    }

    /// 256 bits of randomness as 43 characters of base 64 (URL-safe): for tokens that must not be guessed.
    pub fn secret(&self) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut bytes = [0u8; 43];
        self.0.state.lock().random.fill_bytes(&mut bytes);
        bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 63)])).collect()
    }

    /// 60 bits of randomness as 12 characters of Crockford's base 32, such as `7Q2M-XK0D-94TB`: for codes that people
    /// type. [`typed_code`] reads them.
    pub fn code(&self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut bytes = [0u8; 12];
        self.0.state.lock().random.fill_bytes(&mut bytes);
        let digits: Vec<char> = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect();
        digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }
}

/// A code as it was typed, in one spelling: capitals, no spaces and hyphens, and the digits for which letters are
/// easily taken.
pub fn typed_code(text: &str) -> String {
    let digit = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    text.chars().filter(|c| c.is_ascii_alphanumeric()).take(64).map(digit).collect()
}
