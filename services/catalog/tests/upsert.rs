//! Products as imports bring them.

mod room;

use emporia_catalog::{CatalogRefusal, ProductDraft, ProductSort, Upserted};
use room::{Room, draft, en, slug, variant, with_variants};

fn external(name: &str) -> ProductDraft {
    ProductDraft { external_id: Some(format!("erp:{name}").parse().unwrap()), ..draft(name) }
}

#[tokio::test]
async fn the_same_again_writes_and_tells_nothing() {
    let room = Room::open().await;
    let all: Vec<ProductDraft> = (0..300).map(|n| external(&format!("p{n}"))).collect();
    assert!(room.upsert(all.clone()).await.iter().all(|o| matches!(o, Upserted::Created(_))));
    let events = room.events().await;
    assert_eq!(events.iter().filter(|e| *e == "ProductCreated").count(), 300);
    assert!(room.upsert(all.clone()).await.iter().all(|o| matches!(o, Upserted::Unchanged(_))));
    assert_eq!(room.events().await.len(), events.len());
    // Also after a restart, when nothing is in memory.
    let room = room.restart().await;
    let mut next = all.clone();
    next[7].title = en("Another title");
    next[8].slug = slug("another-slug");
    let outcome = room.upsert(next).await;
    for (place, outcome) in outcome.iter().enumerate() {
        assert_eq!(
            matches!(outcome, Upserted::Updated(_)),
            [7, 8].contains(&place),
            "item {place}: {outcome:?}"
        );
    }
    assert_eq!(room.events().await.len(), events.len() + 2);
    assert!(room.catalog.product_by_slug(&slug("p8")).await.unwrap().is_none());
    assert!(room.catalog.product_by_slug(&slug("another-slug")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_refused_item_does_not_spoil_the_others() {
    let room = Room::open().await;
    let taken = room.create(draft("taken")).await.unwrap().product.id;
    let outcome = room
        .upsert(vec![
            draft("good"),
            ProductDraft { title: en(""), ..draft("untitled") },
            ProductDraft { variants: vec![variant("taken-1", &[])], ..draft("thief") },
            ProductDraft { slug: slug("taken"), ..external("sly") },
            ProductDraft { categories: vec![slug("nowhere")], ..draft("lost") },
            ProductDraft { title: en("Not so good"), ..draft("good") },
            ProductDraft { variants: vec![variant("good-1", &[])], ..draft("envious") },
            draft("fine"),
        ])
        .await;
    assert!(
        matches!(outcome[0], Upserted::Created(_)) && matches!(outcome[7], Upserted::Created(_)),
        "{outcome:?}"
    );
    let refused = |place: usize| match &outcome[place] {
        Upserted::Refused(refusal) => refusal.clone(),
        other => panic!("item {place}: {other:?}"),
    };
    assert_eq!(refused(1).field(), "title.en");
    assert_eq!(refused(2), CatalogRefusal::SkuTaken { sku: "taken-1".parse().unwrap(), product: taken });
    assert_eq!(refused(3), CatalogRefusal::SlugTaken(slug("taken")));
    assert_eq!(refused(4), CatalogRefusal::UnknownCategory("nowhere".into()));
    assert_eq!(refused(5), CatalogRefusal::Twice);
    assert!(matches!(refused(6), CatalogRefusal::SkuTaken { .. }));
    assert_eq!(room.listed("eu", None, ProductSort::Title).await, ["fine", "good", "taken"]);
}

#[tokio::test]
async fn a_product_with_more_variants_than_a_transaction_holds_comes_whole_and_goes_whole() {
    let room = Room::open().await;
    let outcome = room.upsert(vec![draft("a"), with_variants("big", 0..250), draft("b")]).await;
    assert!(outcome.iter().all(|o| matches!(o, Upserted::Created(_))), "{outcome:?}");
    let find = async |name: &str| room.catalog.product_by_slug(&slug(name)).await.unwrap().unwrap();
    assert_eq!(find("big").await.product.variants.len(), 250);
    let order: Vec<_> = find("big").await.product.variants.iter().map(|v| v.sku.to_string()).collect();
    assert_eq!(order, (0..250).map(|n| format!("big-{n}")).collect::<Vec<_>>());
    assert!(matches!(room.upsert(vec![with_variants("big", 0..250)]).await[0], Upserted::Unchanged(_)));
    assert!(matches!(room.upsert(vec![with_variants("big", 200..450)]).await[0], Upserted::Updated(_)));
    assert_eq!(find("big").await.product.variants.len(), 250);
    // All that left are free, all that came are taken.
    let outcome = room
        .upsert(
            (0..450)
                .map(|n| ProductDraft {
                    variants: vec![variant(&format!("big-{n}"), &[])],
                    ..draft(&format!("p{n}"))
                })
                .collect(),
        )
        .await;
    for (n, outcome) in outcome.iter().enumerate() {
        assert_eq!(matches!(outcome, Upserted::Created(_)), n < 200, "big-{n}: {outcome:?}");
    }
    // A handful of small products that lose many variants at once do not fit one transaction either.
    let many: Vec<_> = (0..5).map(|n| with_variants(&format!("m{n}"), 0..60)).collect();
    room.upsert(many).await;
    let few: Vec<_> = (0..5).map(|n| with_variants(&format!("m{n}"), 0..1)).collect();
    assert!(room.upsert(few).await.iter().all(|o| matches!(o, Upserted::Updated(_))));
}

#[tokio::test]
async fn feeds_that_bring_the_same_products_at_once_make_each_once() {
    let room = Room::open().await;
    let all: Vec<ProductDraft> = (0..60).map(|n| external(&format!("p{n}"))).collect();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (catalog, all) = (room.catalog.clone(), all.clone());
            tokio::spawn(async move { catalog.upsert_products(all, room::meta()).await.unwrap() })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        for outcome in task.await.unwrap() {
            assert!(!matches!(outcome, Upserted::Refused(_)), "{outcome:?}");
            created += usize::from(matches!(outcome, Upserted::Created(_)));
        }
    }
    assert_eq!(created, 60);
}

#[tokio::test]
async fn publication_stays_when_a_feed_does_not_speak_of_it() {
    let room = Room::open().await;
    room.upsert(vec![external("p")]).await;
    let silent = ProductDraft { published_in: None, title: en("New"), ..external("p") };
    assert!(matches!(room.upsert(vec![silent]).await[0], Upserted::Updated(_)));
    assert_eq!(room.listed("eu", None, ProductSort::Position).await, ["p"]);
}
