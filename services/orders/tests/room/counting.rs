//! A backend that counts how often documents are read.

use emporia_store::{
    Backend, Commit, Committed, Declared, Key, LogBatch, LogHead, LogId, LogWatch, Phase, Position,
    RawChildren, RawDocument, RawPage, RawQuery, SpaceDeclaration, StoreError, Tally, TallyKey,
};
use jiff::Timestamp;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

pub struct Counting(pub Arc<dyn Backend>, pub Arc<AtomicUsize>);

impl Counting {
    fn read(&self) -> &dyn Backend {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.as_ref()
    }
}

#[async_trait::async_trait]
impl Backend for Counting {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn declared(&self, spaces: &[&str]) -> Result<Vec<Declared>, StoreError> {
        self.0.declared(spaces).await
    }

    async fn declare(&self, spaces: &[SpaceDeclaration], phase: Phase) -> Result<(), StoreError> {
        self.0.declare(spaces, phase).await
    }

    async fn get(
        &self,
        space: &str,
        keys: &[Key],
        at: Timestamp,
    ) -> Result<Vec<Option<RawDocument>>, StoreError> {
        self.read().get(space, keys, at).await
    }

    async fn children(&self, space: &str, range: &RawChildren) -> Result<RawPage, StoreError> {
        self.read().children(space, range).await
    }

    async fn query(&self, space: &str, query: &RawQuery) -> Result<RawPage, StoreError> {
        self.read().query(space, query).await
    }

    async fn count(&self, space: &str, query: &RawQuery) -> Result<u64, StoreError> {
        self.read().count(space, query).await
    }

    async fn tallies(&self, space: &str, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError> {
        self.read().tallies(space, keys).await
    }

    async fn scan(
        &self,
        space: &str,
        collection: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<RawDocument>, StoreError> {
        self.0.scan(space, collection, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.0.commit(commit).await
    }

    async fn sweep(&self, at: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.0.sweep(at, limit).await
    }

    fn logs(&self) -> Vec<LogId> {
        self.0.logs()
    }

    fn log_of(&self, space: &str) -> LogId {
        self.0.log_of(space)
    }

    async fn read_log(
        &self,
        log: &LogId,
        after: Position,
        limit: usize,
        source: Option<&str>,
    ) -> Result<LogBatch, StoreError> {
        self.0.read_log(log, after, limit, source).await
    }

    async fn log_head(&self, log: &LogId) -> Result<LogHead, StoreError> {
        self.0.log_head(log).await
    }

    fn watch(&self, log: &LogId) -> Result<LogWatch, StoreError> {
        self.0.watch(log)
    }

    async fn trim_log(&self, log: &LogId, up_to: Position) -> Result<(), StoreError> {
        self.0.trim_log(log, up_to).await
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
