use crate::model::NumberBlock;
use emporia_store::{Space, StoreError};
use parking_lot::Mutex;
use std::{collections::HashMap, ops::Range};

/// Numbers taken from the store at once: what a process does not use is a gap.
const BLOCK: u64 = 100;
/// The first number of a prefix.
const FIRST: u64 = 100_001;

/// Hands out order numbers: one write per hundred, so that buyers do not queue for a counter.
pub(crate) struct Numbers {
    space: Space,
    blocks: Mutex<HashMap<String, Range<u64>>>,
}

impl Numbers {
    pub(crate) fn new(space: Space) -> Self {
        Self { space, blocks: Mutex::default() }
    }

    /// The next number: `EU-100001`.
    pub(crate) async fn next(&self, prefix: &str) -> Result<String, StoreError> {
        loop {
            if let Some(number) = self.blocks.lock().get_mut(prefix).and_then(Iterator::next) {
                return Ok(format!("{prefix}-{number}"));
            }
            let block = self.take(prefix).await?;
            // If two took a block at once, the one that is replaced becomes a gap.
            self.blocks.lock().insert(prefix.to_owned(), block);
        }
    }

    async fn take(&self, prefix: &str) -> Result<Range<u64>, StoreError> {
        let key = NumberBlock::key_of(prefix);
        let key = &key;
        self.space
            .transact(|tx| async move {
                let next = tx.get::<NumberBlock>(key).await?.map_or(FIRST, |block| block.next);
                tx.put(&NumberBlock { prefix: prefix.to_owned(), next: next + BLOCK })?;
                Ok(next..next + BLOCK)
            })
            .await
    }
}
