//! What is written in somebody's name is in the chain, and whatever is done to the chain is found.

use emporia_audit::{Author, ChainKey, Entry, Fault, Filter, Link, Sealer, Verification, verify};
use emporia_events::{Consumer, ConsumerHandle};
use emporia_id::SystemClock;
use emporia_store::{
    Document, Key, Space, SpaceSchema, Store, StoreError, TallyChange, TallyKey, Testimony, Versioned,
};
use emporia_teststore::Place;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    name: String,
    text: String,
    secret: Option<String>,
}

impl Document for Note {
    const COLLECTION: &'static str = "notes";
    fn key(&self) -> Key {
        Key::of("notes", self.name.as_str())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Token {
    hash: String,
}

impl Document for Token {
    const COLLECTION: &'static str = "tokens";
    fn key(&self) -> Key {
        Key::of("tokens", self.hash.as_str())
    }
}

struct Room {
    store: Store,
    notes: Space,
    key: ChainKey,
    sealer: Option<ConsumerHandle>,
    place: Place,
}

impl Room {
    async fn open() -> Self {
        Self::at(Place::new()).await
    }

    async fn at(place: Place) -> Self {
        let notes = SpaceSchema::new("notes")
            .collection::<Note>()
            .testimony(Testimony::Without(&["secret"]))
            .collection::<Token>()
            .testimony(Testimony::Nothing)
            .tally("count", &["notes"])
            .with(emporia_audit::recorded);
        let store = place.open(Arc::new(SystemClock), vec![notes, emporia_audit::space()]).await;
        let key = ChainKey::open(&place.path().join("audit.pem")).unwrap();
        Self { notes: store.space("notes").unwrap(), store, key, sealer: None, place }
    }

    /// With the sealer at work, as far as it has come.
    async fn sealed(&mut self) {
        if self.sealer.is_none() {
            let sealer = Sealer::new(self.store.clone(), self.key.clone()).unwrap();
            let space = self.store.space(emporia_audit::SPACE).unwrap();
            let consumer = Consumer::new(Sealer::NAME, Arc::new(self.store.clone()), space, sealer);
            self.sealer = Some(consumer.start().await.unwrap());
        }
        self.sealer.as_ref().unwrap().caught_up().await.unwrap();
    }

    async fn write(&self, who: &str, name: &str, text: &str) {
        let note = &Note { name: name.into(), text: text.into(), secret: None };
        self.write_note(who, note).await;
    }

    async fn write_note(&self, who: &str, note: &Note) {
        let written = self.notes.transact(|tx| async move {
            tx.get::<Note>(&note.key()).await?;
            tx.put(note)
        });
        Author::new(who, "writeNote", "request").writes(written).await.unwrap();
    }

    /// Five entries in the chain.
    async fn lived_in() -> Self {
        let mut room = Self::open().await;
        for (who, name, text) in
            [("ada", "a", "1"), ("bob", "b", "1"), ("ada", "a", "2"), ("bob", "c", "1"), ("ada", "a", "3")]
        {
            room.write(who, name, text).await;
        }
        room.sealed().await;
        room
    }

    async fn verified(&self) -> Verification {
        verify(&self.store, &self.key, 1, None).await.unwrap()
    }

    async fn links(&self) -> Vec<Link> {
        let space = self.store.space(emporia_audit::SPACE).unwrap();
        let found = space.scan::<Link>(None, 100).await.unwrap();
        found.into_iter().map(|(_, Versioned { value, .. })| value).collect()
    }

    async fn entry(&self, link: &Link) -> Entry {
        let key = Key::of("_audit", link.entry.to_string());
        self.notes.get::<Entry>(&key).await.unwrap().unwrap().value
    }

    async fn put<T: Document + Sync>(&self, space: &str, document: &T) {
        let space = self.store.space(space).unwrap();
        space.transact(|tx| async move { tx.overwrite(document) }).await.map_err(|e: StoreError| e).unwrap();
    }

    async fn remove(&self, space: &str, key: &Key) {
        let space = self.store.space(space).unwrap();
        space.transact(|tx| async move { tx.delete(key) }).await.map_err(|e: StoreError| e).unwrap();
    }
}

fn found(verification: &Verification) -> Vec<(Option<u64>, Fault)> {
    verification.found.iter().map(|b| (b.number, b.fault)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_who_changed_what_from_what_to_what_and_keeps_secrets() {
    let mut room = Room::open().await;
    let note = |text: &str, secret: Option<&str>| Note {
        name: "a".into(),
        text: text.into(),
        secret: secret.map(str::to_owned),
    };
    room.write_note("ada", &note("1", Some("hunter2"))).await;
    room.write_note("ada", &note("2", Some("hunter3"))).await;
    let blind = room.notes.transact(|tx| async move {
        tx.delete(&Key::of("notes", "a"))?;
        tx.insert(&Token { hash: "5e884898da28".into() })?;
        tx.add(TallyKey::of("count", "all"), TallyChange::new().add("notes", -1))
    });
    let blind: Result<(), StoreError> = Author::new("bob", "dropNote", "r2").writes(blind).await;
    blind.unwrap();
    room.sealed().await;
    let links = room.links().await;
    assert_eq!(
        links.iter().map(|l| (l.number, l.who.as_str())).collect::<Vec<_>>(),
        [(1, "ada"), (2, "ada"), (3, "bob")]
    );
    let changes = |entry: Entry| serde_json::to_value(entry.changes).unwrap();
    let first = room.entry(&links[0]).await;
    assert_eq!((first.operation.as_str(), first.correlation_id.as_str()), ("writeNote", "request"));
    assert_eq!(
        changes(first),
        json!([{"subject": "notes/a", "before": null, "after": {"name": "a", "text": "1", "secret": "(not recorded)"}}])
    );
    assert_eq!(
        changes(room.entry(&links[1]).await),
        json!([{
            "subject": "notes/a",
            "before": {"text": "1", "secret": "(not recorded)"},
            "after": {"text": "2", "secret": "(not recorded)"},
        }])
    );
    // What was not read is read for the entry, so that it says what was there.
    assert_eq!(
        changes(room.entry(&links[2]).await),
        json!([
            {"subject": "notes/a", "before": {"name": "a", "text": "2", "secret": "(not recorded)"}, "after": null},
            {"subject": "tokens", "before": null, "after": "(not recorded)"},
            {"subject": "count/all", "before": null, "after": {"notes": "-1"}},
        ])
    );
    assert_eq!(room.verified().await.breaks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_nobodys_name_and_one_that_fails_leave_nothing() {
    let mut room = Room::open().await;
    let note = &Note { name: "a".into(), text: "1".into(), secret: None };
    room.notes.transact(|tx| async move { tx.insert(note) }).await.map_err(|e: StoreError| e).unwrap();
    let again = room.notes.transact(|tx| async move { tx.insert(note) });
    let again: Result<(), StoreError> = Author::new("ada", "writeNote", "r").writes(again).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists { .. })), "{again:?}");
    let same = room.notes.transact(|tx| async move { tx.get::<Note>(&note.key()).await.map(drop) });
    Author::new("ada", "readNote", "r").writes(same).await.map_err(|e: StoreError| e).unwrap();
    let token = &Token { hash: "x".into() };
    let untold = room.notes.transact(|tx| async move { tx.insert(token) });
    Author::new("eve", "signIn", "r")
        .silent_on_the_untold()
        .writes(untold)
        .await
        .map_err(|e: StoreError| e)
        .unwrap();
    room.sealed().await;
    assert!(room.links().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_tampering_is_found_at_its_place() {
    let room = Room::lived_in().await;
    let (links, clean) = (room.links().await, room.verified().await);
    assert_eq!((clean.breaks, clean.links, clean.waiting), (0, 5, 0), "{clean}");
    assert_eq!(clean.head.as_ref().unwrap().hash, links[4].hash);
    let third = room.entry(&links[2]).await;

    let mut altered = third.clone();
    altered.changes[0].after = Some(json!({"text": "never"}));
    room.put("notes", &altered).await;
    assert_eq!(found(&room.verified().await), [(Some(3), Fault::EntryAltered)]);
    let mut altered = third.clone();
    altered.who = "eve".into();
    room.put("notes", &altered).await;
    let verification = room.verified().await;
    assert_eq!(found(&verification), [(Some(3), Fault::EntryAltered)]);
    assert!(verification.found[0].detail.contains("(who)"), "{verification}");
    room.remove("notes", &third.key()).await;
    assert_eq!(found(&room.verified().await), [(Some(3), Fault::EntryRemoved)]);
    room.put("notes", &third).await;

    let inserted = Entry { id: uuid::Uuid::from_u128(7), ..third.clone() };
    room.put("notes", &inserted).await;
    let verification = room.verified().await;
    assert_eq!(found(&verification), [(None, Fault::EntryUnlinked)]);
    assert_eq!(verification.found[0].entry, Some(inserted.id));
    room.remove("notes", &inserted.key()).await;

    // The link and the entry together: as somebody does who knows how the log is made.
    room.remove("audit", &links[2].key()).await;
    room.remove("notes", &third.key()).await;
    assert_eq!(found(&room.verified().await), [(Some(3), Fault::LinkRemoved), (Some(4), Fault::LinkAltered)]);
    room.put("notes", &third).await;
    room.put("audit", &links[2]).await;
    assert_eq!(room.verified().await, clean);

    let swapped = |number: u64, other: &Link| Link { number, ..other.clone() };
    let at = async |second: &Link, third: &Link| {
        room.remove("audit", &links[1].key()).await;
        room.remove("audit", &links[2].key()).await;
        room.put("audit", second).await;
        room.put("audit", third).await;
    };
    at(&swapped(2, &links[2]), &swapped(3, &links[1])).await;
    let verification = room.verified().await;
    assert_eq!(verification.found[0].number, Some(2), "{verification}");
    assert_eq!(verification.found[0].fault, Fault::LinkAltered, "{verification}");
    at(&links[1], &links[2]).await;

    let mut renamed = links[3].clone();
    renamed.who = "nobody".into();
    room.put("audit", &renamed).await;
    assert_eq!(found(&room.verified().await), [(Some(4), Fault::LinkAltered)]);
    room.put("audit", &links[3]).await;
    assert_eq!(room.verified().await, clean);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_was_written_anew_without_the_key_or_cut_off_is_found() {
    let mut room = Room::lived_in().await;
    let (links, head) = (room.links().await, room.verified().await.head.unwrap());

    // Cut off: the entry is still there, and the log was followed beyond it.
    room.remove("audit", &links[4].key()).await;
    let verification = room.verified().await;
    assert_eq!(found(&verification), [(None, Fault::EntryUnlinked)]);
    // With the entry too, only who noted the head sees it.
    let last = room.entry(&links[4]).await;
    room.remove("notes", &last.key()).await;
    assert_eq!(room.verified().await.breaks, 0);
    let noted = verify(&room.store, &room.key, 1, Some(&head.hash)).await.unwrap();
    assert_eq!(found(&noted), [(None, Fault::HeadGone)]);
    let noted = verify(&room.store, &room.key, 3, Some(&links[2].hash)).await.unwrap();
    assert_eq!((noted.breaks, noted.links), (0, 2), "{noted}");
    room.put("notes", &last).await;
    room.put("audit", &links[4]).await;

    // Somebody takes out an entry and links all others anew, by the rules, with a key of his own.
    let forger = ChainKey::open(&room.place.path().join("forged.pem")).unwrap();
    let kept: Vec<Entry> = {
        let mut kept = vec![];
        for at in [0, 1, 3, 4] {
            kept.push(room.entry(&links[at]).await);
        }
        kept
    };
    let other = {
        let mut other = Room::open().await;
        other.key = forger;
        for entry in &kept {
            other.put("notes", entry).await;
            other.announce(entry).await;
        }
        other.sealed().await;
        other
    };
    assert_eq!(other.verified().await.breaks, 0, "by his own key it is whole");
    let verification = verify(&other.store, &room.key, 1, None).await.unwrap();
    assert_eq!(verification.found[0].fault, Fault::Forged, "{verification}");
    assert_eq!(verification.breaks, 4);
    room.sealed().await;
}

impl Room {
    /// Tells of an entry as a committed write does.
    async fn announce(&self, entry: &Entry) {
        let meta = emporia_events::EventMeta::new(&*entry.correlation_id, &*entry.who);
        let told = emporia_audit::WriteRecorded {
            entry: entry.id,
            space: entry.space.clone(),
            hash: entry.hash().unwrap(),
        };
        let ids = emporia_id::Ids::random(Arc::new(SystemClock));
        let event = &emporia_events::envelope(&told, &meta, &ids, &SystemClock).unwrap();
        let emitted = self.notes.transact(|tx| async move { tx.emit(event.clone()) });
        emitted.await.map_err(|e: StoreError| e).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_before_a_crash_is_linked_after_it_and_nothing_twice() {
    let room = Room::open().await;
    room.write("ada", "a", "1").await;
    let waiting = room.verified().await;
    assert_eq!((waiting.breaks, waiting.links, waiting.waiting), (0, 0, 1), "{waiting}");
    // Nothing of the process is left but what is stored.
    room.store.close().await;
    let mut room = Room::at(room.place).await;
    room.write("bob", "b", "1").await;
    room.sealed().await;
    let sealed = room.verified().await;
    assert_eq!((sealed.breaks, sealed.links, sealed.waiting), (0, 2, 0), "{sealed}");
    // A consumer that is set back links nothing again.
    let log = room.store.logs()[0].clone();
    let sealer = room.sealer.as_ref().unwrap();
    sealer.rewind(&log, emporia_events::Position::ZERO).await.unwrap();
    room.write("ada", "a", "2").await;
    room.sealed().await;
    let links = room.links().await;
    assert_eq!(links.iter().map(|l| l.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(room.verified().await.breaks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_make_one_chain_without_a_gap() {
    let mut room = Room::open().await;
    room.sealed().await;
    let writers = (0..8).map(|writer| {
        let notes = room.notes.clone();
        tokio::spawn(async move {
            for n in 0..25 {
                let note = &Note { name: format!("{writer}"), text: format!("{n}"), secret: None };
                let written = notes.transact(|tx| async move { tx.overwrite(note) });
                let author = Author::new(format!("writer/{writer}"), "writeNote", format!("{n}"));
                author.writes(written).await.map_err(|e: StoreError| e).unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    room.sealed().await;
    let verified = room.verified().await;
    assert_eq!((verified.breaks, verified.links, verified.waiting), (0, 200, 0), "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_by_document_author_and_time_a_page_at_a_time() {
    let room = Room::lived_in().await;
    let log = emporia_audit::AuditLog::new(room.store.clone()).unwrap();
    let numbers = async |filter: Filter, limit| {
        let (mut numbers, mut after) = (vec![], None);
        loop {
            let (page, more) = log.page(&filter, limit, after).await.unwrap();
            numbers.extend(page.iter().map(|(_, recorded)| recorded.link.number));
            assert!(page.iter().all(|(_, recorded)| recorded.entry.is_some()) && page.len() <= limit);
            after = page.last().map(|(cursor, _)| cursor.clone());
            if !more {
                return numbers;
            }
        }
    };
    for limit in [1, 2, 3, 100] {
        let of = |subject: Option<&str>, who: Option<&str>| Filter {
            subject: subject.map(str::to_owned),
            who: who.map(str::to_owned),
            since: None,
        };
        assert_eq!(numbers(of(None, None), limit).await, [5, 4, 3, 2, 1]);
        assert_eq!(numbers(of(Some("notes/a"), None), limit).await, [5, 3, 1]);
        assert_eq!(numbers(of(None, Some("bob")), limit).await, [4, 2]);
        assert_eq!(numbers(of(Some("notes/a"), Some("bob")), limit).await, [0; 0]);
        let since = Filter { since: Some(room.links().await[3].at), ..Filter::default() };
        let found = numbers(since, limit).await;
        assert!(found.starts_with(&[5, 4]), "{found:?}");
    }
    let never = Filter { since: Some(jiff::Timestamp::MAX), ..Filter::default() };
    assert!(numbers(never, 3).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_many_long_values_keeps_their_hashes() {
    let mut room = Room::open().await;
    let written = room.notes.transact(|tx| async move {
        for n in 0..10 {
            tx.insert(&Note { name: n.to_string(), text: "x".repeat(100_000), secret: None })?;
        }
        Ok::<_, StoreError>(())
    });
    Author::new("ada", "writeNotes", "r").writes(written).await.unwrap();
    room.sealed().await;
    let entry = room.entry(&room.links().await[0]).await;
    let hashed = entry.changes.iter().filter(|c| c.after.as_ref().unwrap()["sha256"].is_string());
    assert_eq!(hashed.count(), 8);
    assert_eq!(entry.changes.len(), 10);
    assert_eq!(room.verified().await.breaks, 0);
}
