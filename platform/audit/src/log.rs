use crate::{chain::Link, entry::Entry};
use emporia_store::{Cursor, IndexKey, Page, Query, Space, Store, StoreError};
use jiff::Timestamp;
use std::collections::HashMap;

/// Reads the chain.
#[derive(Debug, Clone)]
pub struct AuditLog {
    store: Store,
    space: Space,
}

/// Which entries are wanted; all, when nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that changed this document: `collection/key`.
    pub subject: Option<String>,
    /// Those of this author.
    pub who: Option<String>,
    /// Those from then on.
    pub since: Option<Timestamp>,
}

/// A link with its entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Where it stands.
    pub link: Link,
    /// What was changed; none when the entry is missing, which [`crate::verify`] reports.
    pub entry: Option<Entry>,
}

impl AuditLog {
    /// The log of this store.
    ///
    /// # Errors
    /// [`StoreError::Undeclared`] if the store was opened without [`crate::space`].
    pub fn new(store: Store) -> Result<Self, StoreError> {
        Ok(Self { space: store.space(crate::SPACE)?, store })
    }

    /// A page of the log, the newest first, and whether it goes on. `limit` is 1 to 1,000.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`]; what the engine reports.
    pub async fn page(
        &self,
        filter: &Filter,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<(Vec<(Cursor, Recorded)>, bool), StoreError> {
        let (limit, mut after, mut found) = (limit.clamp(1, 1000), after, vec![]);
        loop {
            let page = self.links(filter, limit, after).await?;
            let mut over = !page.has_more;
            after = page.items.last().map(|(cursor, _)| cursor.clone());
            for (cursor, link) in page.items {
                // The chain is in the order of commits, which is that of time but for moments.
                let before = filter.since.is_some_and(|since| link.at < since);
                over |= before;
                if !before && filter.who.as_ref().is_none_or(|who| *who == link.who) {
                    found.push((cursor, link.value));
                    if found.len() > limit {
                        found.truncate(limit);
                        return Ok((self.with_entries(found).await?, true));
                    }
                }
            }
            if over {
                return Ok((self.with_entries(found).await?, false));
            }
        }
    }

    async fn links(
        &self,
        filter: &Filter,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Page<Link>, StoreError> {
        let by = |index, text: &str| {
            let query = Query::index(index).prefix(IndexKey::new().text(text));
            query.descending().limit(limit.saturating_add(1).min(1000)).after(after.clone())
        };
        match filter {
            Filter { subject: Some(subject), .. } => self.space.query(by("by_subject", subject)).await,
            Filter { who: Some(who), .. } => self.space.query(by("by_who", who)).await,
            _ => {
                self.space
                    .children(Link::all().descending().limit(limit.saturating_add(1).min(1000)).after(after))
                    .await
            }
        }
    }

    async fn with_entries(&self, links: Vec<(Cursor, Link)>) -> Result<Vec<(Cursor, Recorded)>, StoreError> {
        let mut entries = entries_of(&self.store, links.iter().map(|(_, link)| link)).await?;
        let recorded = |(cursor, link): (Cursor, Link)| {
            let entry = entries.remove(&link.entry);
            (cursor, Recorded { link, entry })
        };
        Ok(links.into_iter().map(recorded).collect())
    }
}

/// The entries of these links, by id, in one reading of each space.
pub(crate) async fn entries_of<'a>(
    store: &Store,
    links: impl Iterator<Item = &'a Link>,
) -> Result<HashMap<uuid::Uuid, Entry>, StoreError> {
    let mut spaces: HashMap<&str, Vec<emporia_store::Key>> = HashMap::new();
    for link in links {
        spaces.entry(&link.space).or_default().push(Entry::key_of(link.entry));
    }
    let mut entries = HashMap::new();
    for (space, keys) in spaces {
        // A space that there is not (any more) has no entries.
        let Ok(space) = store.space(space) else { continue };
        let found = space.get_many::<Entry>(&keys).await?.into_iter().flatten();
        entries.extend(found.map(|entry| (entry.value.id, entry.value)));
    }
    Ok(entries)
}
