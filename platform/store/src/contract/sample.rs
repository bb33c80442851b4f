//! Documents that the cases work with: accounts, notes in notebooks, tickets that expire.

use crate::{Document, IndexEntry, IndexKey, Key, NewEvent, SpaceSchema, Tx};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An account with an owner and, perhaps, a number that no other account has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// Unique if there is one.
    pub number: Option<String>,
    /// What is on it.
    pub balance: i64,
    /// When it was opened.
    pub opened: Timestamp,
}

impl Document for Account {
    const COLLECTION: &'static str = "accounts";

    fn key(&self) -> Key {
        account_key(&self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let mut entries =
            vec![IndexEntry::new("by_owner", IndexKey::new().text(&self.owner).time(self.opened))];
        entries.extend(self.number.iter().map(|n| IndexEntry::new("by_number", IndexKey::new().text(n))));
        entries
    }
}

/// One note of a notebook: a child in the notebook's partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The notebook.
    pub notebook: String,
    /// Its place in the notebook.
    pub place: String,
    /// What it says.
    pub text: String,
    /// Until when it is kept.
    pub until: Option<Timestamp>,
}

impl Document for Note {
    const COLLECTION: &'static str = "notes";

    fn key(&self) -> Key {
        note_key(&self.notebook, &self.place)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.until
    }
}

/// A ticket that expires and has a seat of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its name.
    pub id: String,
    /// Unique.
    pub seat: i64,
    /// Until when it is good.
    pub until: Option<Timestamp>,
}

impl Document for Ticket {
    const COLLECTION: &'static str = "tickets";

    fn key(&self) -> Key {
        ticket_key(&self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("by_seat", IndexKey::new().int(self.seat))]
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.until
    }
}

/// The schema of all of them.
pub fn schema(space: &str) -> SpaceSchema {
    SpaceSchema::new(space)
        .collection::<Account>()
        .index("by_owner")
        .unique("by_number")
        .collection::<Note>()
        .collection::<Ticket>()
        .unique("by_seat")
        .tally("seats", &["free", "taken", "blocked"])
}

/// The key of an account.
pub fn account_key(id: &str) -> Key {
    Key::of("accounts", id)
}

/// The key of a note.
pub fn note_key(notebook: &str, place: &str) -> Key {
    Key::of("notes", notebook).child(place)
}

/// The key of a ticket.
pub fn ticket_key(id: &str) -> Key {
    Key::of("tickets", id)
}

/// An account without a number.
pub fn account(id: &str, owner: &str, balance: i64) -> Account {
    Account { id: id.to_owned(), owner: owner.to_owned(), number: None, balance, opened: instant(0) }
}

/// A note whose text names its place.
pub fn note(notebook: &str, place: &str) -> Note {
    Note { notebook: notebook.to_owned(), place: place.to_owned(), text: format!("at {place}"), until: None }
}

/// An instant some seconds into the cases' time.
pub fn instant(seconds: i64) -> Timestamp {
    Timestamp::constant(1_700_000_000, 0) + SignedDuration::from_secs(seconds)
}

/// Emits an event whose body is `{"n": n}`.
pub fn emit(tx: &Tx, source: &str, subject: &str, n: u64) -> Result<(), crate::StoreError> {
    let body = serde_json::json!({ "n": n });
    let id = Uuid::from_u128(u128::from(n));
    tx.emit(NewEvent::new(id, source, "Counted", subject, instant(0), &body)?)
}
