use async_graphql::dataloader::{DataLoader, NoCache};
use std::time::Duration;

/// A batch loader of a subgraph: what is asked for in one turn of the runtime, at most `at_most` keys, is loaded
/// together, and nothing is remembered.
pub fn batched<T>(loader: T, at_most: usize) -> DataLoader<T, NoCache> {
    DataLoader::with_cache(loader, tokio::spawn, NoCache).delay(Duration::ZERO).max_batch_size(at_most)
}
