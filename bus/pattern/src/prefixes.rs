//! Which of many keys are prefixes of a text.

/// Keys in order, each with the longest other key that is its prefix. All keys that are prefixes of a text are on the way
/// up from the last key that is not greater than the text.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    bytes: Vec<u8>,
    /// Key `n` ends here, and starts where the one before ends.
    ends: Vec<u32>,
    parents: Vec<u32>,
    /// What belongs to each key.
    heads: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Prefixes {
    pub(crate) fn new(mut keys: Vec<(Vec<u8>, u32)>) -> Self {
        keys.sort_unstable();
        let mut made = Self::default();
        for (key, head) in keys {
            let mut parent = made.last();
            while parent != NONE && !key.starts_with(made.key(parent)) {
                parent = made.parents[parent as usize];
            }
            made.bytes.extend_from_slice(&key);
            made.ends.push(made.bytes.len() as u32);
            made.parents.push(parent);
            made.heads.push(head);
        }
        made
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Calls `found` with what belongs to each key that `text` starts with.
    #[inline]
    pub(crate) fn of(&self, text: &[u8], mut found: impl FnMut(u32)) {
        let (mut low, mut high) = (0, self.ends.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key(middle) <= text { low = middle + 1 } else { high = middle }
        }
        let mut at = low.wrapping_sub(1);
        if at == NONE {
            return;
        }
        let common = self.key(at).iter().zip(text).take_while(|(one, other)| one == other).count();
        while at != NONE {
            if self.key(at).len() <= common {
                found(self.heads[at as usize]);
            }
            at = self.parents[at as usize];
        }
    }

    fn last(&self) -> u32 {
        (self.ends.len() as u32).wrapping_sub(1)
    }

    #[inline]
    fn key(&self, at: u32) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at as usize - 1] as usize };
        &self.bytes[start..self.ends[at as usize] as usize]
    }
}
