/// What a pattern may cost. The default has no limit that EventBridge is not known to have, except on what nobody writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length of the text in characters. EventBridge: 4,096, by default of an account 2,048.
    pub length: usize,
    /// How deep objects and `$or` may nest; no more than 512.
    pub depth: usize,
    /// How many alternatives `$or` may multiply to.
    pub alternatives: usize,
    /// How many asterisks one wildcard may have.
    pub asterisks: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { length: 4_096, depth: 256, alternatives: 1_024, asterisks: usize::MAX }
    }
}

impl Limits {
    /// As near to EventBridge as is known. It refuses wildcards that are "too complex" and does not say when; a pattern
    /// with six asterisks is the one refusal on record.
    pub fn compatible() -> Self {
        Self { length: 2_048, asterisks: 5, ..Self::default() }
    }
}
