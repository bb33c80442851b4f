//! Copies of a store that are brought back.

use crate::{input::edited, shop::block_on};
use emporia_store::{Children, Document, Key, SpaceSchema, StoreError};
use emporia_store_sqlite::{SqliteOptions, backup, restore};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path, sync::LazyLock};
use tempfile::TempDir;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    text: String,
}

impl Document for Note {
    const COLLECTION: &'static str = "notes";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, "all").child(self.text.as_str())
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory can be made")
}

async fn open(path: &Path) -> Result<emporia_store::Store, StoreError> {
    let schema = SpaceSchema::new("notes").collection::<Note>();
    emporia_store_sqlite::open(SqliteOptions::new(path), vec![schema]).await
}

/// The files of a copy.
static COPY: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let (from, to) = (directory(), directory());
    block_on(async {
        let store = open(from.path()).await.expect("the store opens");
        let space = store.space("notes").expect("it is there");
        let notes = ["a", "b", "c"].map(|text| Note { text: text.to_owned() });
        let notes = &notes;
        let written = space.transact(|tx| async move {
            notes.iter().try_for_each(|note| tx.insert(note))?;
            Ok::<_, StoreError>(())
        });
        written.await.expect("notes are written");
        store.close().await;
    });
    backup(from.path(), to.path(), Timestamp::UNIX_EPOCH).expect("it is copied");
    let files = std::fs::read_dir(to.path()).expect("it is a directory").flatten();
    files
        .map(|file| {
            (file.file_name().to_string_lossy().into_owned(), std::fs::read(file.path()).unwrap_or_default())
        })
        .collect()
});

/// The first byte says which file of a copy is changed, the rest how. A changed copy is refused; nothing of it is a store.
pub fn run(bytes: &[u8]) {
    let Some((which, script)) = bytes.split_first() else { return };
    let (copy, to) = (directory(), directory());
    let mut changed = false;
    for (place, (name, genuine)) in COPY.iter().enumerate() {
        let content = match usize::from(*which) % COPY.len() == place {
            true => edited(genuine, script),
            false => genuine.clone(),
        };
        changed |= content != *genuine;
        std::fs::write(copy.path().join(name), content).expect("there is room");
    }
    match restore(copy.path(), to.path()) {
        Ok(_) => {
            let notes = block_on(async {
                let store = open(to.path()).await?;
                let notes = store.space("notes")?.children::<Note>(Children::of("all")).await?.into_values();
                store.close().await;
                Ok::<_, StoreError>(notes.len())
            });
            assert_eq!(notes.ok(), Some(3), "what was restored is whole");
        }
        Err(error) => assert!(changed && error.to_string().len() > 5, "{error}"),
    }
}
