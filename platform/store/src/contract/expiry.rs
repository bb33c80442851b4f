//! Time to live.

use super::{
    Fixture, World,
    sample::{Note, Ticket, instant, note, ticket_key},
};
use crate::{Children, IndexKey, Query, Space, StoreError};
use std::time::Duration;

fn ticket(id: &str, seat: i64, until: Option<i64>) -> Ticket {
    Ticket { id: id.to_owned(), seat, until: until.map(instant) }
}

async fn issue(space: &Space, ticket: Ticket) -> Result<(), StoreError> {
    let ticket = &ticket;
    space.transact(|tx| async move { tx.insert(ticket) }).await
}

async fn seats(space: &Space) -> Vec<i64> {
    let page = space.query::<Ticket>(Query::index("by_seat")).await.expect("reads");
    page.into_values().into_iter().map(|ticket| ticket.seat).collect()
}

pub async fn an_expired_document_is_invisible_at_once(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    issue(&world.space, ticket("short", 1, Some(10))).await.expect("commits");
    issue(&world.space, ticket("long", 2, Some(20))).await.expect("commits");
    issue(&world.space, ticket("ever", 3, None)).await.expect("commits");
    world.clock.set(instant(9));
    assert_eq!(seats(&world.space).await, [1, 2, 3]);
    world.clock.set(instant(10));
    assert_eq!(world.space.get::<Ticket>(&ticket_key("short")).await, Ok(None));
    assert_eq!(seats(&world.space).await, [2, 3]);
    assert_eq!(world.space.count::<Ticket>(Query::index("by_seat")).await, Ok(2));
    let keys = world.space.query_keys::<Ticket>(Query::index("by_seat")).await.expect("reads");
    assert_eq!(keys.items.len(), 2);
    let seen = world.space.transact(|tx| async move { tx.get::<Ticket>(&ticket_key("short")).await });
    assert_eq!(seen.await, Ok(None));
    world.clock.set(instant(20));
    assert_eq!(seats(&world.space).await, [3]);
}

pub async fn an_expired_document_gives_way(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    issue(&world.space, ticket("a", 1, Some(10))).await.expect("commits");
    issue(&world.space, ticket("b", 2, Some(10))).await.expect("commits");
    let early = issue(&world.space, ticket("c", 2, None)).await;
    assert!(matches!(early, Err(StoreError::Duplicate { .. })), "{early:?}");
    world.clock.set(instant(10));
    let old = Ticket { seat: 5, ..ticket("a", 1, None) };
    assert_eq!(issue(&world.space, old).await, Ok(()), "its key is free");
    assert_eq!(issue(&world.space, ticket("c", 2, None)).await, Ok(()), "its unique entry is free");
    assert_eq!(issue(&world.space, ticket("d", 1, None)).await, Ok(()));
    assert_eq!(seats(&world.space).await, [1, 2, 5]);
    let again = world.space.transact(|tx| async move {
        assert_eq!(tx.get::<Ticket>(&ticket_key("b")).await?, None);
        tx.put(&ticket("b", 9, None))
    });
    assert_eq!(again.await, Ok(()), "an expired document reads and commits as absent");
}

pub async fn a_unique_entry_of_an_expired_document_is_really_free(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    issue(&world.space, ticket("b", 2, Some(10))).await.expect("commits");
    world.clock.set(instant(10));
    // The transaction that takes the entry over has looked at its expired owner.
    let taken = world.space.transact(|tx| async move {
        assert_eq!(tx.get::<Ticket>(&ticket_key("b")).await?, None);
        tx.insert(&ticket("c", 2, None))
    });
    assert_eq!(taken.await, Ok(()));
    for _ in 0..2 {
        let again = issue(&world.space, ticket("d", 2, None)).await;
        let owner = matches!(&again, Err(StoreError::Duplicate { key, .. }) if **key == ticket_key("c"));
        assert!(owner, "{again:?}");
    }
    assert_eq!(seats(&world.space).await, [2]);
}

pub async fn expired_children_are_invisible(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let written = world.space.transact(|tx| async move {
        for (place, until) in [("1", Some(10)), ("2", None), ("3", Some(10)), ("4", Some(20))] {
            tx.insert(&Note { until: until.map(instant), ..note("book", place) })?;
        }
        Ok::<_, StoreError>(())
    });
    written.await.expect("commits");
    world.clock.set(instant(10));
    let page = world.space.children::<Note>(Children::of("book").limit(2)).await.expect("reads");
    assert!(!page.has_more);
    let places: Vec<_> = page.into_values().into_iter().map(|note| note.place).collect();
    assert_eq!(places, ["2", "4"]);
    let seen = world.space.transact(|tx| async move { tx.children::<Note>(Children::of("book")).await });
    assert_eq!(seen.await.map(|notes| notes.len()), Ok(2));
}

pub async fn sweeping_removes_what_expired(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    for seat in 0..5 {
        issue(&world.space, ticket(&format!("t{seat}"), seat, Some(10 + seat))).await.expect("commits");
    }
    assert_eq!(world.store.sweep().await, Ok(0));
    world.clock.set(instant(12));
    // Backends may sweep by themselves; what counts is that nothing is left and nothing alive is gone.
    assert!(world.store.sweep().await.expect("sweeps") <= 3);
    let gone = tokio::time::timeout(Duration::from_secs(10), async {
        while world.store.sweep().await.expect("sweeps") > 0 {}
    });
    gone.await.expect("comes to an end");
    world.clock.set(instant(0));
    assert_eq!(
        seats(&world.space).await,
        [3, 4],
        "swept documents do not come back when the clock goes back"
    );
    let one = Query::index("by_seat").prefix(IndexKey::new().int(1));
    assert_eq!(world.space.count::<Ticket>(one).await, Ok(0));
}
