//! Keys: any text but control characters.

use super::{
    Fixture, World,
    sample::{Account, Note, account, account_key, note, note_key},
};
use crate::{Children, Key, StoreError, TallyChange, TallyKey};

pub async fn keys_may_be_any_text(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let odd = [
        " ",
        "Ünï/cödé",
        "日本語",
        "😀",
        "a/b#c",
        "'; DROP TABLE documents; --",
        "%_",
        "\u{10ffff}",
        "e\u{301}",
        "é",
    ];
    let written = world.space.transact(|tx| async move {
        for text in odd {
            tx.insert(&account(text, text, 1))?;
            tx.insert(&note(text, text))?;
            tx.add(TallyKey::of("seats", text).child(text), TallyChange::new().add("free", 1))?;
        }
        Ok::<_, StoreError>(())
    });
    written.await.expect("commits");
    for text in odd {
        let found = world.space.get::<Account>(&account_key(text)).await.expect("reads").expect("is there");
        assert_eq!(found.id, text);
        let children = world.space.children::<Note>(Children::of(text)).await.expect("reads").into_values();
        assert_eq!(children, [note(text, text)], "no text is taken for another");
        let tally = world.space.tallies(&[TallyKey::of("seats", text).child(text)]).await.expect("reads");
        assert_eq!(tally[0].get("free"), 1);
    }
    let longest = "k".repeat(crate::limits::KEY_BYTES - "accounts".len());
    let written = world.space.transact(|tx| {
        let written = tx.insert(&account(&longest, "x", 1));
        async move { written }
    });
    assert_eq!(written.await, Ok(()));
}

pub async fn malformed_keys_are_refused(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let long = "k".repeat(crate::limits::KEY_BYTES);
    for text in ["", "a\nb", "\u{0}", "\u{7f}", "\u{85}", long.as_str()] {
        let read = world.space.get::<Account>(&account_key(text)).await;
        assert!(matches!(read, Err(StoreError::BadKey { .. })), "{text:?}: {read:?}");
        let written = world.space.transact(|tx| async move { tx.overwrite(&account(text, "x", 1)) }).await;
        assert!(matches!(written, Err(StoreError::BadKey { .. })), "{text:?}: {written:?}");
        let added = world.space.transact(|tx| async move {
            tx.add(TallyKey::of("seats", text), TallyChange::new().add("free", 1))
        });
        assert!(matches!(added.await, Err(StoreError::BadKey { .. })), "{text:?}");
    }
    let child = world.space.get::<Note>(&note_key("book", "a\tb")).await;
    assert!(matches!(child, Err(StoreError::BadKey { .. })), "{child:?}");
}

pub async fn a_document_of_another_collection_is_refused(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let read = world.space.get::<Account>(&Key::of("notes", "a")).await;
    assert!(matches!(read, Err(StoreError::BadKey { .. })), "{read:?}");
    let deleted = world.space.transact(|tx| async move { tx.delete(&Key::of("strangers", "a")) }).await;
    assert!(matches!(deleted, Err(StoreError::Undeclared { .. })), "{deleted:?}");
}
