//! Limits of the port.

use super::{
    Fixture, World,
    sample::{Account, Note, account, account_key, emit, note},
};
use crate::{Children, IndexKey, Key, Query, StoreError, TallyChange, TallyKey, Tx, limits};

fn long_note(place: &str, len: usize) -> Note {
    Note { text: "t".repeat(len), ..note("book", place) }
}

pub async fn a_hundred_operations_are_allowed_and_no_more(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let write = |prefix: &'static str, notes: usize| {
        world.space.transact(move |tx| async move {
            // 20 guards, 20 tallies and 20 events beside the notes.
            let keys: Vec<_> = (0..20).map(|i| account_key(&format!("a{i}"))).collect();
            tx.get_many::<Account>(&keys).await?;
            for i in 0..20 {
                tx.add(TallyKey::of("seats", format!("hall {i}")), TallyChange::new().add("free", 1))?;
                emit(&tx, "s", &format!("subject/{i}"), i)?;
            }
            (0..notes).try_for_each(|i| tx.insert(&note(prefix, &i.to_string())))
        })
    };
    assert_eq!(write("all", 40).await, Ok(()));
    let refused = StoreError::TooManyOperations { count: 101, limit: limits::OPERATIONS };
    assert_eq!(write("more", 41).await, Err(refused));
    let page = world.space.children::<Note>(Children::of("more")).await.expect("reads");
    assert!(page.items.is_empty());
}

pub async fn a_document_read_and_written_counts_once(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let done = world.space.transact(|tx| async move {
        let places: Vec<_> = (0..100).map(|i| i.to_string()).collect();
        let keys: Vec<_> =
            places.iter().map(|place| Key::of("notes", "book").child(place.as_str())).collect();
        tx.get_many::<Note>(&keys).await?;
        tx.get_many::<Note>(&keys).await?;
        places.iter().try_for_each(|place| tx.put(&note("book", place)))?;
        places.iter().try_for_each(|place| tx.put(&long_note(place, 10)))
    });
    assert_eq!(done.await, Ok(()));
}

pub async fn changed_unique_entries_count(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let numbered = |i: usize, number: usize| Account {
        number: Some(number.to_string()),
        ..account(&format!("a{i}"), "x", 0)
    };
    let insert = |tx: Tx, many: usize| (0..many).try_for_each(|i| tx.insert(&numbered(i, i)));
    let too_many = world.space.transact(|tx| async move { insert(tx, 51) }).await;
    assert!(matches!(too_many, Err(StoreError::TooManyOperations { count: 102, .. })), "{too_many:?}");
    assert_eq!(world.space.transact(|tx| async move { insert(tx, 50) }).await, Ok(()));
    let more =
        world.space.transact(|tx| async move { (50..80).try_for_each(|i| tx.insert(&numbered(i, i))) });
    assert_eq!(more.await, Ok(()));
    // Unchanged entries do not count; a changed one counts as one given up and one taken.
    let rewrite = |many: usize, shift: usize| {
        world.space.transact(move |tx| async move {
            let keys: Vec<_> = (0..many).map(|i| account_key(&format!("a{i}"))).collect();
            tx.get_many::<Account>(&keys).await?;
            (0..many).try_for_each(|i| tx.put(&numbered(i, i + shift)))
        })
    };
    assert_eq!(rewrite(80, 0).await, Ok(()));
    let shifted = rewrite(34, 1_000).await;
    assert!(matches!(shifted, Err(StoreError::TooManyOperations { count: 102, .. })), "{shifted:?}");
    assert_eq!(rewrite(33, 1_000).await, Ok(()));
}

pub async fn four_megabytes_are_allowed_and_no_more(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let write = |notes: usize| {
        world.space.transact(move |tx| async move {
            (0..notes).try_for_each(|i| tx.overwrite(&long_note(&i.to_string(), 330_000)))
        })
    };
    assert_eq!(write(12).await, Ok(()));
    let refused = write(13).await;
    assert!(
        matches!(&refused, Err(StoreError::TooLarge { size, limit: limits::TRANSACTION_BYTES, .. }) if *size > 4_290_000),
        "{refused:?}"
    );
}

pub async fn large_documents_keys_and_pages_are_refused(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let fits = long_note("a", limits::DOCUMENT_BYTES - 100);
    let large = long_note("a", limits::DOCUMENT_BYTES);
    let write = |note: Note| {
        world.space.transact(move |tx| {
            let written = tx.overwrite(&note);
            async move { written }
        })
    };
    assert_eq!(write(fits).await, Ok(()));
    let refused = write(large).await;
    assert!(
        matches!(refused, Err(StoreError::TooLarge { limit: limits::DOCUMENT_BYTES, .. })),
        "{refused:?}"
    );
    let long_owner = account("a", &"o".repeat(limits::INDEX_KEY_BYTES), 0);
    let owner = world.space.transact(|tx| {
        let written = tx.overwrite(&long_owner);
        async move { written }
    });
    assert!(matches!(owner.await, Err(StoreError::TooLarge { limit: limits::INDEX_KEY_BYTES, .. })));
    let event = world.space.transact(|tx| async move { emit(&tx, "s", &"x".repeat(600), 1) }).await;
    assert!(matches!(event, Err(StoreError::BadKey { .. })), "{event:?}");
    for query in [Query::index("by_owner").limit(0), Query::index("by_owner").limit(limits::PAGE + 1)] {
        let page = world.space.query::<Account>(query).await;
        assert!(matches!(page, Err(StoreError::BadQuery { .. })), "{page:?}");
    }
    let prefix = IndexKey::new().text(&"o".repeat(2_000));
    let query = world.space.query::<Account>(Query::index("by_owner").prefix(prefix)).await;
    assert!(matches!(query, Err(StoreError::TooLarge { .. })), "{query:?}");
}
