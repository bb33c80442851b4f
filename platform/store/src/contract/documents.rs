//! Documents: reading, writing, children.

use super::{
    Fixture, World,
    sample::{Account, Note, account, account_key, note, note_key},
};
use crate::{Children, Key, Space, StoreError, Version, Versioned};

async fn put(space: &Space, accounts: &[Account]) -> Version {
    let landed = space
        .transact_versioned(|tx| async move {
            accounts.iter().try_for_each(|account| tx.overwrite(account))?;
            Ok::<_, StoreError>(())
        })
        .await;
    landed.expect("commits").version.expect("something was written")
}

async fn get(space: &Space, id: &str) -> Option<Versioned<Account>> {
    space.get(&account_key(id)).await.expect("reads")
}

pub async fn a_document_is_read_back_as_it_was_written(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let written = Account {
        number: Some("Nº 7 – \u{1F600} \"quoted\" \\ \u{0} \n".to_owned()),
        ..account("a", "Åsa Öberg", i64::MIN)
    };
    assert_eq!(get(&world.space, "a").await, None);
    let version = put(&world.space, std::slice::from_ref(&written)).await;
    assert_eq!(get(&world.space, "a").await, Some(Versioned { version, value: written }));
}

pub async fn many_documents_come_in_the_order_asked_for(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    put(&world.space, &[account("a", "x", 1), account("b", "x", 2)]).await;
    let keys = ["b", "nobody", "a", "b"].map(account_key);
    let found = world.space.get_many::<Account>(&keys).await.expect("reads");
    let balances: Vec<_> = found.iter().map(|found| found.as_ref().map(|a| a.balance)).collect();
    assert_eq!(balances, [Some(2), None, Some(1), Some(2)]);
    assert!(world.space.get_many::<Account>(&[]).await.expect("reads").is_empty());
}

pub async fn versions_grow_and_never_repeat(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let mut last = Version::NEW;
    for round in 0..6 {
        let version = put(&world.space, &[account("a", "x", round)]).await;
        assert!(version > last, "{version} came after {last}");
        assert_eq!(get(&world.space, "a").await.expect("is there").version, version);
        last = version;
        if round % 2 == 1 {
            let gone = world.space.transact(|tx| async move { tx.delete(&account_key("a")) }).await;
            gone.expect("commits");
            assert_eq!(get(&world.space, "a").await, None);
        }
    }
}

pub async fn put_demands_a_reading(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let blind = world.space.transact(|tx| async move { tx.put(&account("a", "x", 1)) }).await;
    assert_eq!(blind, Err(StoreError::PutWithoutRead { key: Box::new(account_key("a")) }));
    let read = world
        .space
        .transact(|tx| async move {
            assert_eq!(tx.get::<Account>(&account_key("a")).await?, None);
            tx.put(&account("a", "x", 1))
        })
        .await;
    assert_eq!(read, Ok(()));
}

pub async fn insert_refuses_what_is_there(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let exists = Err(StoreError::AlreadyExists { key: Box::new(account_key("a")) });
    let insert =
        |balance| world.space.transact(move |tx| async move { tx.insert(&account("a", "x", balance)) });
    assert_eq!(insert(1).await, Ok(()));
    assert_eq!(insert(2).await, exists);
    let after_reading = world
        .space
        .transact(|tx| async move {
            tx.get::<Account>(&account_key("a")).await?;
            tx.insert(&account("a", "x", 3))
        })
        .await;
    assert_eq!(after_reading, exists);
    let before_reading = world
        .space
        .transact(|tx| async move {
            tx.insert(&account("a", "x", 4))?;
            tx.get::<Account>(&account_key("a")).await?;
            tx.put(&account("a", "x", 5))
        })
        .await;
    assert_eq!(before_reading, exists, "a later reading does not make it an update");
    assert_eq!(get(&world.space, "a").await.expect("is there").balance, 1);
}

pub async fn overwrite_and_delete_ask_nothing(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    put(&world.space, &[account("a", "x", 1)]).await;
    put(&world.space, &[account("a", "x", 2)]).await;
    assert_eq!(get(&world.space, "a").await.expect("is there").balance, 2);
    let delete =
        |id: &'static str| world.space.transact(move |tx| async move { tx.delete(&account_key(id)) });
    assert_eq!(delete("a").await, Ok(()));
    assert_eq!(delete("a").await, Ok(()));
    assert_eq!(get(&world.space, "a").await, None);
}

pub async fn a_transaction_sees_its_own_writes(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let version = put(&world.space, &[account("old", "x", 1), account("gone", "x", 1)]).await;
    let done = world.space.transact(|tx| async move {
        let (old, gone, new) = (account_key("old"), account_key("gone"), account_key("new"));
        assert_eq!(tx.get::<Account>(&old).await?.map(|a| a.balance), Some(1));
        tx.put(&account("old", "x", 2))?;
        tx.insert(&account("new", "x", 3))?;
        tx.delete(&gone)?;
        let seen = tx.get_many::<Account>(&[old, gone, new.clone()]).await?;
        let seen: Vec<_> = seen.into_iter().map(|a| a.map(|a| (a.version, a.value.balance))).collect();
        assert_eq!(seen, [Some((version, 2)), None, Some((Version::NEW, 3))]);
        tx.put(&account("new", "x", 4))?;
        assert_eq!(tx.get::<Account>(&new).await?.map(|a| a.balance), Some(4));
        tx.insert(&account("gone", "x", 5))
    });
    assert_eq!(done.await, Ok(()));
    let keys = ["old", "new", "gone"].map(account_key);
    let found = world.space.get_many::<Account>(&keys).await.expect("reads");
    let balances: Vec<_> = found.into_iter().flatten().map(|a| a.value.balance).collect();
    assert_eq!(balances, [2, 4, 5]);
}

const PLACES: [&str; 7] = ["10", "2", "20", "3", "A", "a", "ä"];

async fn notebook(space: &Space) {
    let filled = space.transact(|tx| async move {
        for place in PLACES.iter().rev() {
            tx.insert(&note("red", place))?;
        }
        tx.insert(&note("red", ""))?;
        tx.insert(&note("rec", "zz"))?;
        tx.insert(&note("ree", "1"))
    });
    filled.await.expect("commits");
}

async fn places(space: &Space, children: Children) -> Vec<String> {
    let page = space.children::<Note>(children).await.expect("reads");
    page.into_values().into_iter().map(|note| note.place).collect()
}

pub async fn children_come_in_order_and_in_ranges(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    notebook(&world.space).await;
    let all = || Children::of("red");
    assert_eq!(places(&world.space, all()).await, PLACES);
    assert_eq!(places(&world.space, all().descending().limit(2)).await, ["ä", "a"]);
    assert_eq!(places(&world.space, all().last(2)).await, ["a", "ä"]);
    assert_eq!(places(&world.space, all().from("2").to("A")).await, ["2", "20", "3"]);
    assert_eq!(places(&world.space, all().prefix("2")).await, ["2", "20"]);
    assert_eq!(places(&world.space, all().prefix("2").descending().limit(1)).await, ["20"]);
    assert_eq!(places(&world.space, Children::of("blue")).await, [""; 0]);
    let own = world.space.get::<Note>(&note_key("red", "")).await.expect("reads");
    assert!(own.is_some(), "the partition's own document is read by its key");
}

pub async fn children_page_both_ways(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    notebook(&world.space).await;
    for size in 1..=PLACES.len() {
        let (mut forward, mut after) = (Vec::new(), None);
        loop {
            let list = Children::of("red").limit(size).after(after);
            let page = world.space.children::<Note>(list).await.expect("reads");
            after = page.items.last().map(|(cursor, _)| cursor.clone());
            forward.extend(page.items.into_iter().map(|(_, note)| note.value.place));
            if !page.has_more {
                break;
            }
        }
        assert_eq!(forward, PLACES);
        let (mut backward, mut before) = (Vec::new(), None);
        loop {
            let list = Children::of("red").last(size).before(before);
            let page = world.space.children::<Note>(list).await.expect("reads");
            before = page.items.first().map(|(cursor, _)| cursor.clone());
            let mut places: Vec<_> = page.items.into_iter().map(|(_, note)| note.value.place).collect();
            places.append(&mut backward);
            backward = places;
            if !page.has_more {
                break;
            }
        }
        assert_eq!(backward, PLACES);
    }
}

pub async fn a_transaction_lays_its_writes_over_children(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    notebook(&world.space).await;
    let done = world.space.transact(|tx| async move {
        let seen = |notes: Vec<Versioned<Note>>| notes.into_iter().map(|n| n.value.place).collect::<Vec<_>>();
        tx.delete(&note_key("red", "10"))?;
        tx.delete(&note_key("red", "ä"))?;
        tx.insert(&note("red", "25"))?;
        tx.insert(&note("blue", "1"))?;
        let all = seen(tx.children(Children::of("red")).await?);
        assert_eq!(all, ["2", "20", "25", "3", "A", "a"]);
        assert_eq!(seen(tx.children(Children::of("red").limit(3)).await?), ["2", "20", "25"]);
        assert_eq!(seen(tx.children(Children::of("red").descending().limit(2)).await?), ["a", "A"]);
        assert_eq!(seen(tx.children(Children::of("red").last(2)).await?), ["A", "a"]);
        assert_eq!(seen(tx.children(Children::of("red").from("2").to("3")).await?), ["2", "20", "25"]);
        Ok::<_, StoreError>(())
    });
    done.await.expect("commits");
    assert_eq!(places(&world.space, Children::of("red")).await, ["2", "20", "25", "3", "A", "a"]);
}

pub async fn a_space_reaches_only_itself(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let numbered = |balance| crate::contract::sample::Account {
        number: Some("1".to_owned()),
        ..account("a", "x", balance)
    };
    put(&world.space, &[numbered(1)]).await;
    put(&world.other, &[numbered(2)]).await;
    assert_eq!(get(&world.space, "a").await.expect("is there").balance, 1);
    assert_eq!(get(&world.other, "a").await.expect("is there").balance, 2);
    world.other.transact(|tx| async move { tx.delete(&account_key("a")) }).await.expect("commits");
    assert_eq!(get(&world.space, "a").await.expect("is there").balance, 1);
    assert!(matches!(world.store.space("third"), Err(StoreError::Undeclared { .. })));
    let stranger = world.space.get::<Account>(&Key::of("strangers", "a")).await;
    assert!(matches!(stranger, Err(StoreError::BadKey { .. })), "{stranger:?}");
}
