//! Cursors of pages: of lists by an index, and of children.

use crate::{
    input::{edited_text, parts},
    shop::block_on,
};
use emporia_store::{
    Children, Cursor, Document, IndexEntry, IndexKey, Key, Page, Query, Space, SpaceSchema, StoreError,
};
use emporia_store_sqlite::{Durability, SqliteOptions};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use tempfile::TempDir;

/// As many as fill a few pages.
const NOTES: u8 = 40;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    number: u8,
}

impl Document for Note {
    const COLLECTION: &'static str = "notes";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, "all").child(format!("{:02}", self.number))
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("by_number", IndexKey::new().text("note").int(i64::from(self.number)))]
    }
}

struct Notes {
    space: Space,
    cursors: [Vec<String>; 2],
    _directory: TempDir,
}

static NOTED: LazyLock<Notes> = LazyLock::new(|| block_on(Notes::open()));

impl Notes {
    async fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let schema = SpaceSchema::new("notes").collection::<Note>().index("by_number");
        let options = SqliteOptions::new(directory.path()).durability(Durability::None);
        let store = emporia_store_sqlite::open(options, vec![schema]).await.expect("the store opens");
        let space = store.space("notes").expect("it is there");
        let written = space.transact(|tx| async move {
            for number in 0..NOTES {
                tx.insert(&Note { number })?;
            }
            Ok::<_, StoreError>(())
        });
        written.await.expect("notes are written");
        let this = Self { space, cursors: [vec![], vec![]], _directory: directory };
        let mut cursors = [false, true].map(|_| vec![]);
        for (list, cursors) in cursors.iter_mut().enumerate() {
            let page = this.page(list, 100, None, None).await.expect("all are listed");
            cursors.extend(page.items.iter().map(|(cursor, _)| cursor.to_string()));
        }
        Self { cursors, ..this }
    }

    async fn page(
        &self,
        list: usize,
        limit: usize,
        after: Option<Cursor>,
        before: Option<Cursor>,
    ) -> Result<Page<Note>, StoreError> {
        match list {
            0 => self.space.query(Query::index("by_number").limit(limit).after(after).before(before)).await,
            _ => {
                let children = Children::of("all").limit(limit).after(after).before(before);
                self.space.children(children).await
            }
        }
    }
}

/// Two cursors, of which the first byte says whose list they are shown to. Either is refused as a cursor, or leads to a
/// part of the list in its order.
pub fn run(bytes: &[u8]) {
    let Some(([how, which], rest)) = bytes.split_first_chunk::<2>() else { return };
    let notes = &*NOTED;
    let list = usize::from(how % 2);
    let [after, before] = parts::<2>(rest);
    let read = |part: &[u8]| match how / 2 % 2 {
        0 => String::from_utf8_lossy(part).into_owned(),
        _ => {
            let genuine = &notes.cursors[usize::from(how / 4 % 2)];
            edited_text(&genuine[usize::from(*which) % genuine.len()], part)
        }
    };
    let cursor = |part: &[u8]| -> Option<Result<Cursor, StoreError>> {
        let text = Some(read(part)).filter(|text| !text.is_empty())?;
        let cursor = text.parse::<Cursor>();
        if let Ok(cursor) = &cursor {
            assert_eq!(cursor.to_string(), text, "a cursor has one spelling");
        }
        Some(cursor)
    };
    let (after, before) = (cursor(after).transpose(), cursor(before).transpose());
    let page = match (after, before) {
        (Ok(after), Ok(before)) => block_on(notes.page(list, 10, after, before)),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match page {
        Ok(page) => {
            let numbers: Vec<u8> = page.items.iter().map(|(_, note)| note.value.number).collect();
            assert!(numbers.windows(2).all(|two| two[0] + 1 == two[1]), "{numbers:?}");
        }
        Err(StoreError::BadCursor { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}
