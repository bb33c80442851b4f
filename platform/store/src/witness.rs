//! Who acts in somebody's name is watched: a witness is shown what a transaction changes and adds its testimony to it.

use crate::{
    Key, RawDocument, StoreError, TallyKey, Tx, changes::State, schema::Testimony, space::SpaceInner,
};
use serde_json::Value;
use std::sync::Arc;

/// Is shown every transaction of the work it watches, before it is committed.
pub trait Witness: Send + Sync + 'static {
    /// What the transaction is about to change. The witness may write and emit in it; it may be shown one transaction
    /// several times, as the closure runs several times.
    ///
    /// # Errors
    /// Those of the transaction: it fails with them.
    fn see(&self, tx: &Tx, changes: Vec<Change>) -> Result<(), StoreError>;
}

/// What a transaction does to one document or tally.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A document is written or removed.
    Document {
        /// Which.
        key: Key,
        /// What may be told of it.
        testimony: Testimony,
        /// What was there, in the present schema.
        before: Option<Value>,
        /// What is there then.
        after: Option<Value>,
    },
    /// Amounts are added to the fields of a tally.
    Tally {
        /// Which.
        key: TallyKey,
        /// Field and amount.
        added: Vec<(String, i128)>,
    },
    /// An event of this kind is committed with it.
    Event {
        /// Who tells it.
        source: String,
        /// What happened.
        detail_type: String,
        /// What it happened to.
        subject: String,
    },
}

tokio::task_local! {
    static WITNESS: Arc<dyn Witness>;
}

/// Does the work before a witness: every transaction that it makes is shown to it.
pub async fn witnessed<F: Future>(witness: Arc<dyn Witness>, work: F) -> F::Output {
    WITNESS.scope(witness, work).await
}

/// The work, before the same witness as the present task: for what is done in a task of its own.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let witness = present();
    async move {
        match witness {
            Some(witness) => WITNESS.scope(witness, work).await,
            None => work.await,
        }
    }
}

pub(crate) fn present() -> Option<Arc<dyn Witness>> {
    WITNESS.try_with(Arc::clone).ok()
}

impl State {
    /// Documents that are written, whatever is there, and have not been read.
    pub(crate) fn unread(&self) -> Vec<Key> {
        let unread =
            self.writes.iter().filter(|(key, write)| write.is_blind() && !self.reads.contains_key(*key));
        unread.map(|(key, _)| key.clone()).collect()
    }

    /// What is to be changed, in the order of keys; what the platform itself keeps is nobody's business.
    pub(crate) fn seen(&self, space: &SpaceInner) -> Result<Vec<Change>, StoreError> {
        let own = |key: &Key| crate::schema::is_platform(key.collection());
        let documents = self.writes.iter().filter(|(key, _)| !own(key)).map(|(key, write)| {
            let before = self.reads.get(key).and_then(|read| read.document.as_ref());
            Ok(Change::Document {
                testimony: space.schema.testimony_of(key.collection())?,
                before: before.map(|raw| value_of(raw, space)).transpose()?,
                after: write.put.as_ref().map(|put| parsed(key, &put.body)).transpose()?,
                key: key.clone(),
            })
        });
        let tallies = self.tallies.iter().map(|(key, change)| {
            let added = change.sums().map(|(field, sum)| (field.to_owned(), sum)).collect();
            Ok(Change::Tally { key: key.clone(), added })
        });
        let events = self.events.iter().map(|event| {
            Ok(Change::Event {
                source: event.source.clone(),
                detail_type: event.detail_type.clone(),
                subject: event.subject.clone(),
            })
        });
        documents.chain(tallies).chain(events).collect()
    }
}

fn value_of(raw: &RawDocument, space: &SpaceInner) -> Result<Value, StoreError> {
    let forwarded = space.schema.forward(&raw.key, raw.schema, &raw.body)?;
    parsed(&raw.key, forwarded.as_deref().unwrap_or(&raw.body))
}

fn parsed(key: &Key, body: &str) -> Result<Value, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| StoreError::Undecodable { key: Box::new(key.clone()), reason: error.to_string() })
}
