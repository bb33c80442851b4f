//! Indexes: ranges, pages, uniqueness.

use super::{
    Fixture, World, at_once,
    sample::{Account, account, account_key, instant},
};
use crate::{Cursor, IndexKey, Page, Query, Space, StoreError};

fn opened(id: &str, owner: &str, seconds: i64) -> Account {
    Account { opened: instant(seconds), ..account(id, owner, seconds) }
}

fn numbered(id: &str, number: &str) -> Account {
    Account { number: Some(number.to_owned()), ..account(id, "x", 0) }
}

async fn write(space: &Space, accounts: &[Account]) -> Result<(), StoreError> {
    space.transact(|tx| async move { accounts.iter().try_for_each(|account| tx.overwrite(account)) }).await
}

async fn delete(space: &Space, id: &str) {
    space.transact(|tx| async move { tx.delete(&account_key(id)) }).await.expect("commits");
}

async fn page(space: &Space, query: Query) -> Page<Account> {
    space.query(query).await.expect("reads")
}

async fn ids(space: &Space, query: Query) -> Vec<String> {
    page(space, query).await.into_values().into_iter().map(|account| account.id).collect()
}

fn by_owner(owner: &str) -> Query {
    Query::index("by_owner").prefix(IndexKey::new().text(owner))
}

fn at(seconds: i64) -> IndexKey {
    IndexKey::new().time(instant(seconds))
}

async fn filled(fixture: &dyn Fixture) -> World {
    let world = World::open(fixture).await;
    let mut accounts: Vec<_> = (0..9).map(|i| opened(&format!("a{i}"), "ada", i)).collect();
    accounts.push(opened("b", "ad", 100));
    accounts.push(opened("c", "adaa", -100));
    accounts.push(opened("d", "Zoë", 5));
    write(&world.space, &accounts).await.expect("commits");
    write(&world.other, &[opened("foreign", "ada", 3)]).await.expect("commits");
    world
}

pub async fn ranges_are_half_open_and_ordered(fixture: &dyn Fixture) {
    let world = filled(fixture).await;
    let space = &world.space;
    let all: Vec<_> = (0..9).map(|i| format!("a{i}")).collect();
    assert_eq!(ids(space, by_owner("ada")).await, all);
    assert_eq!(ids(space, by_owner("ada").from(at(3)).to(at(6))).await, all[3..6]);
    assert_eq!(ids(space, by_owner("ada").from(at(7))).await, all[7..]);
    assert_eq!(ids(space, by_owner("ada").to(at(2))).await, all[..2]);
    let reversed: Vec<_> = all[3..6].iter().rev().cloned().collect();
    assert_eq!(ids(space, by_owner("ada").from(at(3)).to(at(6)).descending()).await, reversed);
    assert_eq!(ids(space, by_owner("ada").from(at(6)).to(at(3))).await, [""; 0]);
    let whole = ids(space, Query::index("by_owner")).await;
    assert_eq!((whole.len(), whole[0].as_str(), whole[11].as_str()), (12, "d", "c"));
    let limited = page(space, by_owner("ada").limit(9)).await;
    assert!(!limited.has_more);
    assert!(page(space, by_owner("ada").limit(8)).await.has_more);
}

pub async fn pages_join_to_the_whole_list_both_ways(fixture: &dyn Fixture) {
    let world = filled(fixture).await;
    for descending in [false, true] {
        let base = || if descending { by_owner("ada").descending() } else { by_owner("ada") };
        let whole = ids(&world.space, base()).await;
        for size in 1..=whole.len() + 1 {
            let (mut forward, mut after) = (Vec::new(), None);
            loop {
                let part = page(&world.space, base().limit(size).after(after)).await;
                after = part.items.last().map(|(cursor, _)| round_trip(cursor));
                forward.extend(part.items.iter().map(|(_, a)| a.id.clone()));
                if !part.has_more {
                    break;
                }
            }
            assert_eq!(forward, whole);
            let (mut backward, mut before) = (Vec::new(), None);
            loop {
                let part = page(&world.space, base().last(size).before(before)).await;
                before = part.items.first().map(|(cursor, _)| round_trip(cursor));
                let ids = part.items.iter().map(|(_, a)| a.id.clone());
                backward.splice(0..0, ids);
                if !part.has_more {
                    break;
                }
            }
            assert_eq!(backward, whole);
        }
    }
}

fn round_trip(cursor: &Cursor) -> Cursor {
    cursor.to_string().parse().expect("a cursor's text is a cursor")
}

pub async fn equal_keys_are_ordered_by_document(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let names = ["10", "9", "B", "a", "é"];
    for name in ["é", "9", "a", "B", "10"] {
        write(&world.space, &[opened(name, "ada", 0)]).await.expect("commits");
    }
    assert_eq!(ids(&world.space, by_owner("ada")).await, names);
    let first = page(&world.space, by_owner("ada").limit(2)).await;
    let rest = ids(&world.space, by_owner("ada").after(first.items[1].0.clone())).await;
    assert_eq!(rest, names[2..]);
    let between = by_owner("ada")
        .after(first.items[0].0.clone())
        .before(page(&world.space, by_owner("ada")).await.items[3].0.clone());
    assert_eq!(ids(&world.space, between).await, names[1..3]);
}

pub async fn an_index_follows_its_document(fixture: &dyn Fixture) {
    let world = filled(fixture).await;
    write(&world.space, &[opened("a3", "bob", 3)]).await.expect("commits");
    delete(&world.space, "a4").await;
    assert_eq!(ids(&world.space, by_owner("bob")).await, ["a3"]);
    let left = ["a0", "a1", "a2", "a5", "a6", "a7", "a8"];
    assert_eq!(ids(&world.space, by_owner("ada")).await, left);
}

pub async fn a_text_beginning_finds_all_that_begin_so(fixture: &dyn Fixture) {
    let world = filled(fixture).await;
    let beginning = |text: &str| Query::index("by_owner").prefix(IndexKey::new().text_beginning(text));
    assert_eq!(ids(&world.space, beginning("ad")).await.len(), 11);
    assert_eq!(ids(&world.space, beginning("adaa")).await, ["c"]);
    assert_eq!(ids(&world.space, beginning("Zo")).await, ["d"]);
    assert_eq!(ids(&world.space, beginning("z")).await, [""; 0]);
}

pub async fn keys_and_counts_come_without_documents(fixture: &dyn Fixture) {
    let world = filled(fixture).await;
    let keys = world.space.query_keys::<Account>(by_owner("ada").descending().limit(2)).await.expect("reads");
    let found: Vec<_> = keys.items.iter().map(|(_, key)| key.clone()).collect();
    assert_eq!(found, ["a8", "a7"].map(account_key));
    assert!(keys.has_more);
    let next = by_owner("ada").descending().after(keys.items[1].0.clone()).limit(1);
    assert_eq!(ids(&world.space, next).await, ["a6"]);
    let count = |query| world.space.count::<Account>(query);
    assert_eq!(count(by_owner("ada")).await, Ok(9));
    assert_eq!(count(by_owner("ada").from(at(2)).limit(1)).await, Ok(7));
    assert_eq!(count(by_owner("nobody")).await, Ok(0));
}

fn duplicate(of: &str) -> StoreError {
    let (index, value) = ("by_number".to_owned(), "(\"7\")".to_owned());
    StoreError::Duplicate { index, value, key: Box::new(account_key(of)) }
}

pub async fn a_unique_entry_belongs_to_one_document(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    write(&world.space, &[numbered("a", "7")]).await.expect("commits");
    assert_eq!(write(&world.space, &[numbered("b", "7")]).await, Err(duplicate("a")));
    assert_eq!(write(&world.space, &[numbered("a", "7")]).await, Ok(()), "its owner may keep it");
    assert_eq!(write(&world.other, &[numbered("b", "7")]).await, Ok(()), "another space has its own");
    let both = write(&world.space, &[numbered("c", "8"), numbered("d", "8")]).await;
    assert!(matches!(both, Err(StoreError::Duplicate { .. })), "{both:?}");
    assert_eq!(world.space.get::<Account>(&account_key("c")).await, Ok(None));
    let query = Query::index("by_number").prefix(IndexKey::new().text("7"));
    assert_eq!(ids(&world.space, query).await, ["a"]);
}

pub async fn a_unique_entry_is_free_when_it_is_given_up(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    write(&world.space, &[numbered("a", "7")]).await.expect("commits");
    write(&world.space, &[numbered("a", "8")]).await.expect("commits");
    assert_eq!(write(&world.space, &[numbered("b", "7")]).await, Ok(()));
    delete(&world.space, "b").await;
    assert_eq!(write(&world.space, &[numbered("c", "7")]).await, Ok(()));
    assert_eq!(write(&world.space, &[account("c", "x", 0)]).await, Ok(()));
    assert_eq!(write(&world.space, &[numbered("d", "7")]).await, Ok(()));
}

pub async fn unique_entries_change_hands_in_one_transaction(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    write(&world.space, &[numbered("a", "7"), numbered("b", "8")]).await.expect("commits");
    assert_eq!(write(&world.space, &[numbered("a", "8"), numbered("b", "7")]).await, Ok(()));
    let taken_over = world.space.transact(|tx| async move {
        tx.insert(&numbered("c", "7"))?;
        tx.delete(&account_key("b"))
    });
    assert_eq!(taken_over.await, Ok(()));
    let query = |number: &str| Query::index("by_number").prefix(IndexKey::new().text(number));
    assert_eq!(ids(&world.space, query("7")).await, ["c"]);
    assert_eq!(ids(&world.space, query("8")).await, ["a"]);
}

pub async fn sixty_four_claims_of_one_entry_have_one_winner(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let space = world.space.clone();
    let results = at_once(64, move |i| {
        let space = space.clone();
        async move { write(&space, &[numbered(&format!("a{i}"), "7")]).await }
    })
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().flat_map(|r| r.as_ref().err()).all(|e| matches!(e, StoreError::Duplicate { .. })));
}

pub async fn a_cursor_of_another_list_is_refused(fixture: &dyn Fixture) {
    let world = filled(fixture).await;
    let cursor = page(&world.space, by_owner("ada")).await.items[0].0.clone();
    let foreign = world.space.query::<Account>(Query::index("by_number").after(cursor)).await;
    assert!(matches!(foreign, Err(StoreError::BadCursor { .. })), "{foreign:?}");
    for text in ["", "!", "AAAA", "nonsense", "____________"] {
        let parsed = text.parse::<Cursor>();
        assert!(matches!(parsed, Err(StoreError::BadCursor { .. })), "{text}: {parsed:?}");
    }
    let unknown = world.space.query::<Account>(Query::index("by_colour")).await;
    assert!(matches!(unknown, Err(StoreError::Undeclared { .. })), "{unknown:?}");
}

pub async fn a_cursor_outlives_its_document(fixture: &dyn Fixture) {
    let world = filled(fixture).await;
    let cursor = page(&world.space, by_owner("ada").limit(4)).await.items[3].0.clone();
    delete(&world.space, "a3").await;
    write(&world.space, &[opened("new", "ada", 4)]).await.expect("commits");
    let rest = ids(&world.space, by_owner("ada").after(cursor).limit(3)).await;
    assert_eq!(rest, ["a4", "new", "a5"]);
}
