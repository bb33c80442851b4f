//! An index that becomes unique.

use emporia_store::{Document, IndexEntry, IndexKey, Key, SpaceSchema, StoreError};
use emporia_store_postgres::{PostgresOptions, open};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Named {
    id: String,
    name: String,
}

impl Document for Named {
    const COLLECTION: &'static str = "named";

    fn key(&self) -> Key {
        Key::of("named", self.id.as_str())
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("by_name", IndexKey::new().text(&self.name))]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_cannot_become_unique_over_duplicates_far_apart() {
    let Some(database) = emporia_testpg::database() else { return };
    let options = || PostgresOptions::new(database.url()).expect("a URL");
    let store = open(options(), vec![SpaceSchema::new("n").collection::<Named>().index("by_name")])
        .await
        .expect("opens");
    let space = store.space("n").expect("declared");
    for n in 0..40 {
        let named = &Named { id: format!("{n:03}"), name: (n % 30).to_string() };
        space.transact(|tx| async move { tx.insert(named) }).await.expect("commits");
    }
    store.close().await;
    drop((store, space));
    let unique = SpaceSchema::new("n").collection::<Named>().unique("by_name");
    let refused = open(options(), vec![unique]).await.map(drop);
    assert!(matches!(refused, Err(StoreError::Duplicate { .. })), "{refused:?}");
}
