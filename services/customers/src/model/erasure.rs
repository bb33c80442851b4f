use emporia_contracts::ids::CustomerId;
use emporia_events::EventMeta;
use emporia_store::{Document, IndexEntry, IndexKey, Key};
use emporia_vault::PersonId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// That a person is to be forgotten. It is written before anything is forgotten, so that an erasure that was
/// interrupted is finished later; it stays as evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Erasure {
    pub(crate) person: PersonId,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) requested_at: Timestamp,
    pub(crate) progress: Progress,
    pub(crate) meta: EventMeta,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Progress {
    Open,
    Done(Timestamp),
}

impl Erasure {
    pub(crate) fn key_of(person: PersonId) -> Key {
        Key::of(Self::COLLECTION, person.to_string())
    }
}

impl Document for Erasure {
    const COLLECTION: &'static str = "erasure";

    fn key(&self) -> Key {
        Self::key_of(self.person)
    }

    fn index(&self) -> Vec<IndexEntry> {
        match self.progress {
            Progress::Open => vec![IndexEntry::new("open", IndexKey::new().time(self.requested_at))],
            Progress::Done(_) => vec![],
        }
    }
}
