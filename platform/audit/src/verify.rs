use crate::{
    chain::{ChainKey, Link, ORIGIN, link_hash},
    entry::{Entry, WriteRecorded},
    log::entries_of,
    sealer::Sealer,
};
use emporia_events::{Envelope, EventLog, EventPayload, Position};
use emporia_store::{Key, Store, StoreError};
use jiff::Timestamp;
use serde::Serialize;
use std::{
    collections::{HashMap, HashSet},
    fmt,
};
use uuid::Uuid;

/// Documents that are read at once.
const PAGE: usize = 500;
/// Breaks that are told in full; the others are counted.
const TOLD: usize = 20;

/// What is wrong at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Links are missing.
    LinkRemoved,
    /// A link stands in the place of another one.
    Reordered,
    /// A link does not follow from the one before: it, or that one, was altered, or one was put between.
    LinkAltered,
    /// A link was not signed with this shop's key.
    Forged,
    /// A link's entry is gone.
    EntryRemoved,
    /// A link's entry is not what was committed.
    EntryAltered,
    /// An entry is in no link though the log was followed beyond it: it was put in, or the end of the chain was cut off.
    EntryUnlinked,
    /// The head that was noted earlier is not in the chain: it was cut off there, or written anew.
    HeadGone,
    /// Something cannot be read at all.
    Unreadable,
}

/// Where the log was tampered with, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The number of the link.
    pub number: Option<u64>,
    /// The entry.
    pub entry: Option<Uuid>,
    /// What it is.
    pub fault: Fault,
    /// The same for people, with what is known.
    pub detail: String,
}

/// The last link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its hash: whoever notes it elsewhere can tell later that nothing up to here was changed or cut off.
    pub hash: String,
    /// When its entry was made.
    pub at: Timestamp,
}

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The first link that was looked at.
    pub from: u64,
    /// How many links were looked at, each with its entry.
    pub links: u64,
    /// Entries that were committed and are not linked yet.
    pub waiting: usize,
    /// Where the chain ends.
    pub head: Option<Head>,
    /// How many breaks there are.
    pub breaks: u64,
    /// The first of them, in the order of the chain.
    pub found: Vec<Break>,
}

impl Verification {
    fn broken(&mut self, number: Option<u64>, entry: Option<Uuid>, fault: Fault, detail: String) {
        self.breaks += 1;
        if self.found.len() < TOLD {
            self.found.push(Break { number, entry, fault, detail });
        }
    }
}

/// Walks the chain from link `from` (1 is the first) to its end, and every entry. With a head that was noted earlier,
/// also whether the chain still leads through it. Entries that are in no link are looked for when the walk begins with
/// the first.
///
/// # Errors
/// What the store reports. What was tampered with is no error.
pub async fn verify(
    store: &Store,
    key: &ChainKey,
    from: u64,
    noted: Option<&str>,
) -> Result<Verification, StoreError> {
    let from = from.max(1);
    let mut verification = Verification { from, links: 0, waiting: 0, head: None, breaks: 0, found: vec![] };
    match inspect(store, key, noted, &mut verification).await {
        Err(StoreError::Undecodable { key, reason }) => {
            let detail = format!("{key} cannot be read, the walk ends here: {reason}");
            verification.broken(None, None, Fault::Unreadable, detail);
            Ok(verification)
        }
        inspected => inspected.map(|()| verification),
    }
}

async fn inspect(
    store: &Store,
    key: &ChainKey,
    noted: Option<&str>,
    verification: &mut Verification,
) -> Result<(), StoreError> {
    // In this order: what is committed meanwhile is in the first list, or else in none of them.
    let mut unlinked = if verification.from == 1 { entries(store).await? } else { HashMap::new() };
    let waiting = waiting(store).await?;
    walk(store, key, noted, verification, &mut unlinked).await?;
    let mut unlinked: Vec<(Uuid, String)> = unlinked.into_iter().collect();
    unlinked.sort_unstable();
    for (entry, space) in unlinked {
        if waiting.contains(&entry) {
            verification.waiting += 1;
        } else {
            let detail =
                format!("entry {entry} in {space} is in no link: it was put in, or its link was cut off");
            verification.broken(None, Some(entry), Fault::EntryUnlinked, detail);
        }
    }
    Ok(())
}

async fn walk(
    store: &Store,
    key: &ChainKey,
    noted: Option<&str>,
    verification: &mut Verification,
    unlinked: &mut HashMap<Uuid, String>,
) -> Result<(), StoreError> {
    let space = store.space(crate::SPACE)?;
    let from = verification.from;
    let mut at = (from > 1).then(|| Link::key_of(from - 1));
    let mut before = match &at {
        None => ORIGIN.to_owned(),
        Some(key) => match space.get::<Link>(key).await? {
            Some(link) => link.value.hash,
            None => {
                let detail = format!("there is no link {}", from - 1);
                verification.broken(Some(from - 1), None, Fault::LinkRemoved, detail);
                return Ok(());
            }
        },
    };
    let (mut expected, mut passed) = (from, noted.is_none_or(|noted| noted == before));
    loop {
        let page = space.scan::<Link>(at.as_ref(), PAGE).await?;
        let entries = entries_of(store, page.iter().map(|(_, link)| &link.value)).await?;
        for (place, link) in &page {
            let (place, link) = (place_of(place), &link.value);
            if place != Some(expected) {
                let detail = match place {
                    Some(place) if place == expected + 1 => format!("link {expected} is missing"),
                    Some(place) => format!("links {expected} to {} are missing", place.saturating_sub(1)),
                    None => format!("{} is the key of no link", link.number),
                };
                verification.broken(Some(expected), None, Fault::LinkRemoved, detail);
                expected = place.unwrap_or(expected);
            }
            check_link(verification, key, expected, &before, link);
            check_entry(verification, expected, link, entries.get(&link.entry))?;
            unlinked.remove(&link.entry);
            passed |= noted == Some(&*link.hash);
            before.clone_from(&link.hash);
            verification.links += 1;
            verification.head = Some(Head { number: expected, hash: link.hash.clone(), at: link.at });
            expected += 1;
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => at = Some(last.clone()),
            _ => break,
        }
    }
    if !passed {
        let detail = format!(
            "no link from {from} on has the hash {}: the chain was cut off or written anew",
            noted.unwrap_or_default()
        );
        verification.broken(None, None, Fault::HeadGone, detail);
    }
    Ok(())
}

/// The number that the key of a link says.
fn place_of(key: &Key) -> Option<u64> {
    let number = key.sort().parse().ok()?;
    (Link::key_of(number) == *key).then_some(number)
}

fn check_link(verification: &mut Verification, key: &ChainKey, place: u64, before: &str, link: &Link) {
    let mut broken = |fault, detail| verification.broken(Some(place), Some(link.entry), fault, detail);
    if link.number != place {
        broken(Fault::Reordered, format!("link {} stands in the place of link {place}", link.number));
    } else if link_hash(place, before, &link.entry_hash) != link.hash {
        let detail =
            format!("the hash of link {place} does not follow from link {} and its entry", place - 1);
        broken(Fault::LinkAltered, detail);
    } else if link.key != key.id() || !key.signed(&link.hash, &link.signature) {
        let detail = format!("link {place} is not signed with this shop's key {}", key.id());
        broken(Fault::Forged, detail);
    }
}

fn check_entry(
    verification: &mut Verification,
    place: u64,
    link: &Link,
    entry: Option<&Entry>,
) -> Result<(), StoreError> {
    let mut broken = |fault, detail| verification.broken(Some(place), Some(link.entry), fault, detail);
    let Some(entry) = entry else {
        let (who, operation, at, space) = (&link.who, &link.operation, link.at, &link.space);
        broken(
            Fault::EntryRemoved,
            format!("the entry of link {place} ({operation} by {who} at {at}) is gone from {space}"),
        );
        return Ok(());
    };
    // What the link repeats, to be found by, was taken from the entry when it was linked.
    let differs = [
        (entry.who != link.who, "who"),
        (entry.at != link.at, "at"),
        (entry.operation != link.operation, "operation"),
        (entry.space != link.space, "space"),
        (entry.subjects() != link.subjects, "the documents it changed"),
    ];
    let differs: Vec<&str> = differs.iter().filter(|(differs, _)| *differs).map(|(_, what)| *what).collect();
    let hash = entry.hash()?;
    if hash != link.entry_hash {
        let at =
            if differs.is_empty() { "before, after or the request's id".into() } else { differs.join(", ") };
        let detail = format!(
            "the entry of link {place} was altered ({at}): its hash is {hash}, {} was committed",
            link.entry_hash
        );
        broken(Fault::EntryAltered, detail);
    } else if !differs.is_empty() {
        let detail = format!("link {place} is found by what its entry does not say: {}", differs.join(", "));
        broken(Fault::LinkAltered, detail);
    }
    Ok(())
}

/// Every entry, by id, with the space it lies in.
async fn entries(store: &Store) -> Result<HashMap<Uuid, String>, StoreError> {
    let mut found = HashMap::new();
    for space in store.spaces() {
        let mut at = None;
        loop {
            let page = match space.scan::<Entry>(at.as_ref(), PAGE).await {
                // Whose writes are not recorded has none.
                Err(StoreError::Undeclared { .. }) => break,
                page => page?,
            };
            found.extend(page.iter().map(|(_, entry)| (entry.value.id, space.name().to_owned())));
            match page.last() {
                Some((last, _)) if page.len() == PAGE => at = Some(last.clone()),
                _ => break,
            }
        }
    }
    Ok(found)
}

/// Entries of which the log tells beyond where the sealer is.
async fn waiting(store: &Store) -> Result<HashSet<Uuid>, StoreError> {
    let positions = emporia_events::standings(&store.space(crate::SPACE)?, store).await?;
    let mut waiting = HashSet::new();
    for log in store.logs() {
        let stands =
            positions.iter().find(|standing| standing.consumer == Sealer::NAME && standing.log == log);
        let mut at = match stands {
            Some(standing) => standing.handled,
            None => store.head(&log).await?.trimmed.max(Position::ZERO),
        };
        loop {
            let batch = store.read_log(&log, at, PAGE, Some(WriteRecorded::SOURCE)).await?;
            for record in &batch.records {
                let told = Envelope::from_record(record).and_then(|event| event.payload::<WriteRecorded>());
                waiting.extend(told.map(|told| told.entry));
            }
            if batch.next == at {
                break;
            }
            at = batch.next;
        }
    }
    Ok(waiting)
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Break { detail, .. } in &self.found {
            writeln!(f, "BROKEN  {detail}")?;
        }
        let untold = self.breaks.saturating_sub(self.found.len() as u64);
        if untold > 0 {
            writeln!(f, "… and {untold} more")?;
        }
        let links = self.links;
        match self.breaks {
            0 => writeln!(
                f,
                "ok      {links} links from {} on, each follows, is signed and has its entry",
                self.from
            )?,
            breaks => writeln!(f, "{links} links from {} on, {breaks} breaks", self.from)?,
        }
        if self.waiting > 0 {
            writeln!(f, "{} entries wait to be linked", self.waiting)?;
        }
        match &self.head {
            Some(Head { number, hash, at }) => write!(f, "head    {hash} (link {number}, {at})"),
            None => write!(f, "head    none: the chain is empty"),
        }
    }
}
