//! The first pass over an event: where its structure is. 64 bytes at a time, each character class a bit mask, after
//! Langdale and Lemire, "Parsing gigabytes of JSON per second" (2019).

use crate::{error::EventError, json::Syntax};
use wide::u8x16;

/// Positions of what makes the structure of a JSON text: each quote that opens or closes a string, and each `{}[],`
/// outside strings. Colons are left out: a value follows its key anyway.
#[derive(Default)]
pub(crate) struct Structure {
    pub(crate) positions: Vec<u32>,
    /// Whether there is a backslash anywhere.
    pub(crate) escapes: bool,
}

impl Structure {
    /// # Errors
    /// If the text is too long, or ends within a string.
    pub(crate) fn scan(&mut self, text: &[u8]) -> Result<(), EventError> {
        if u32::try_from(text.len()).is_err() {
            return Err(EventError::TooLong);
        }
        self.positions.clear();
        self.escapes = false;
        let mut state = State::default();
        let (blocks, rest) = text.as_chunks::<64>();
        let mut at = 0;
        for block in blocks {
            self.block(block, at, &mut state);
            at += 64;
        }
        let mut last = [b' '; 64];
        last[..rest.len()].copy_from_slice(rest);
        self.block(&last, at, &mut state);
        if state.in_string != 0 {
            return Err(Syntax { offset: text.len(), reason: "string without an end" }.into());
        }
        Ok(())
    }

    #[inline]
    fn block(&mut self, block: &[u8; 64], at: u32, state: &mut State) {
        let (mut quotes, mut backslashes, mut others) = (0, 0, 0);
        let (parts, _) = block.as_chunks::<16>();
        for (part, bytes) in parts.iter().enumerate() {
            let bytes = u8x16::new(*bytes);
            let mask = |byte| u64::from(bytes.simd_eq(u8x16::splat(byte)).to_bitmask()) << (16 * part);
            quotes |= mask(b'"');
            backslashes |= mask(b'\\');
            others |= mask(b',');
            // `[` and `{`, and `]` and `}`, differ by this one bit.
            let folded = bytes | u8x16::splat(0x20);
            let mask = |byte| u64::from(folded.simd_eq(u8x16::splat(byte)).to_bitmask()) << (16 * part);
            others |= mask(b'{') | mask(b'}');
        }
        if backslashes != 0 || state.escape_follows != 0 {
            self.escapes = true;
            quotes &= !state.escaped(backslashes);
        }
        let in_string = prefix_xor(quotes) ^ state.in_string;
        state.in_string = if in_string >> 63 == 1 { u64::MAX } else { 0 };
        let mut found = others & !in_string | quotes;
        let from = self.positions.len();
        let count = found.count_ones() as usize;
        self.positions.resize(from + count, 0);
        for position in &mut self.positions[from..] {
            *position = at + found.trailing_zeros();
            found &= found.wrapping_sub(1);
        }
    }
}

#[derive(Default)]
struct State {
    /// All ones if the block before ended within a string.
    in_string: u64,
    /// 1 if the block before ended with a backslash that escapes.
    escape_follows: u64,
}

impl State {
    /// Which characters follow a backslash that is not itself escaped. A run of backslashes escapes what follows it if it
    /// is odd: adding the starts of runs at odd places to the runs carries out of them.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let backslashes = backslashes & !self.escape_follows;
        let follows = backslashes << 1 | self.escape_follows;
        let odd_starts = backslashes & !EVEN & !follows;
        let (carried, overflow) = odd_starts.overflowing_add(backslashes);
        self.escape_follows = u64::from(overflow);
        (EVEN ^ (carried << 1)) & follows
    }
}

/// Each bit: the parity of the bits up to it.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}
