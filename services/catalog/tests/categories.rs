//! The tree, and lists of products by it.

mod room;

use emporia_catalog::{
    AttributeKind, AttributeLevel, CatalogRefusal, DefineCategory, DefineProductType, ListProducts,
    ProductDraft, ProductPatch, ProductSort, Window,
};
use emporia_store::Cursor;
use jiff::SignedDuration;
use room::{Room, apparel, attribute, draft, en, meta, slug};

#[tokio::test]
async fn a_category_is_never_below_itself_and_slugs_are_unique() {
    let room = Room::open().await;
    room.category("polo", Some("shirts")).await.unwrap();
    for parent in ["clothing", "shirts", "polo"] {
        let refusal = room.category("clothing", Some(parent)).await.unwrap_err();
        assert_eq!(refusal, CatalogRefusal::Cycle(slug("clothing")), "below {parent}");
    }
    let unknown = CatalogRefusal::UnknownCategory("nowhere".into());
    assert_eq!(room.category("x", Some("nowhere")).await.unwrap_err(), unknown);
    let id = room.catalog.categories().by_slug(&slug("polo")).unwrap().id;
    let renamed =
        DefineCategory { id: Some(id), slug: slug("shoes"), name: en("x"), parent: None, position: 0 };
    let taken = room.catalog.define_category(renamed, meta()).await.unwrap_err();
    assert_eq!(taken.to_string(), CatalogRefusal::SlugTaken(slug("shoes")).to_string());
    let events = room.events().await.len();
    room.category("polo", Some("shirts")).await.unwrap();
    assert_eq!(room.events().await.len(), events, "the same again tells nothing");
    let mut parent = "polo".to_owned();
    for level in 4..=12 {
        let name = format!("level-{level}");
        room.category(&name, Some(&parent)).await.unwrap();
        parent = name;
    }
    assert!(matches!(room.category("too-deep", Some(&parent)).await, Err(CatalogRefusal::TooMuch { .. })));
    // Moving a subtree below another one counts its levels too.
    assert!(matches!(room.category("clothing", Some("sale")).await, Err(CatalogRefusal::TooMuch { .. })));
    let room = room.restart().await;
    let path: Vec<_> = room.catalog.categories().path(id).iter().map(|c| c.slug.to_string()).collect();
    assert_eq!(path, ["clothing", "shirts", "polo"]);
    assert_eq!(room.catalog.all_categories().len(), 14);
}

#[tokio::test]
async fn two_that_move_categories_below_each_other_make_no_cycle() {
    let room = Room::empty().await;
    for pair in 0..16 {
        let (a, b) = (format!("a{pair}"), format!("b{pair}"));
        room.category(&a, None).await.unwrap();
        room.category(&b, None).await.unwrap();
        let (one, other) = tokio::join!(room.category(&a, Some(&b)), room.category(&b, Some(&a)));
        assert!(one.is_ok() != other.is_ok(), "{one:?}, {other:?}");
    }
}

#[tokio::test]
async fn a_category_lists_its_own_products_and_those_below_it_in_the_channel() {
    let room = Room::open().await;
    let place = |name: &str, category: &str, position, channels: &[&str]| ProductDraft {
        categories: vec![slug(category), slug("sale")],
        position,
        published_in: Some(channels.iter().map(|c| c.parse().unwrap()).collect()),
        ..draft(name)
    };
    for wanted in [
        place("c-shirt", "shirts", 2, &["eu"]),
        place("a-shoe", "shoes", 3, &["eu", "ch"]),
        place("b-coat", "clothing", 1, &["eu"]),
        place("hidden", "shirts", 0, &[]),
    ] {
        room.create(wanted).await.unwrap();
        room.clock.advance(SignedDuration::from_secs(1));
    }
    assert_eq!(
        room.listed("eu", Some("clothing"), ProductSort::Position).await,
        ["b-coat", "c-shirt", "a-shoe"]
    );
    assert_eq!(
        room.listed("eu", Some("clothing"), ProductSort::Title).await,
        ["a-shoe", "b-coat", "c-shirt"]
    );
    assert_eq!(
        room.listed("eu", Some("clothing"), ProductSort::Newest).await,
        ["b-coat", "a-shoe", "c-shirt"]
    );
    assert_eq!(room.listed("eu", Some("shirts"), ProductSort::Position).await, ["c-shirt"]);
    assert_eq!(room.listed("ch", Some("clothing"), ProductSort::Position).await, ["a-shoe"]);
    assert_eq!(room.listed("eu", Some("sale"), ProductSort::Title).await, ["a-shoe", "b-coat", "c-shirt"]);
    let shirt = room.catalog.product_by_slug(&slug("c-shirt")).await.unwrap().unwrap();
    let patch = ProductPatch { unpublish: vec!["eu".parse().unwrap()], ..ProductPatch::default() };
    room.catalog.update_product(shirt.product.id, patch, None, meta()).await.unwrap();
    assert_eq!(room.listed("eu", None, ProductSort::Title).await, ["a-shoe", "b-coat"]);
}

#[tokio::test]
async fn pages_meet_in_both_directions() {
    let room = Room::open().await;
    room.upsert((0..25).map(|n| ProductDraft { position: n % 4, ..draft(&format!("p{n}")) }).collect()).await;
    let all = room.listed("eu", Some("clothing"), ProductSort::Position).await;
    assert_eq!(all.len(), 25);
    let category = room.catalog.categories().by_slug(&slug("clothing")).map(|c| c.id);
    for sort in [ProductSort::Position, ProductSort::Newest, ProductSort::Title] {
        let what = ListProducts::Published { channel: "eu".parse().unwrap(), category, sort };
        let expected = room.listed("eu", Some("clothing"), sort).await;
        for from_end in [false, true] {
            let (mut seen, mut at): (Vec<String>, Option<Cursor>) = (vec![], None);
            loop {
                let (after, before) = if from_end { (None, at.clone()) } else { (at.clone(), None) };
                let page =
                    room.catalog.list(&what, Window { size: 4, from_end, after, before }).await.unwrap();
                let slugs = page.items.iter().map(|(_, stored)| stored.product.slug.to_string());
                let (more, edge) = if from_end {
                    seen.splice(0..0, slugs.collect::<Vec<_>>());
                    (page.has_previous, page.items.first())
                } else {
                    seen.extend(slugs);
                    (page.has_next, page.items.last())
                };
                at = edge.map(|(cursor, _)| cursor.clone());
                if !more {
                    break;
                }
            }
            assert_eq!(seen, expected, "{sort:?}, from the end: {from_end}");
        }
    }
}

#[tokio::test]
async fn products_move_with_their_category() {
    let room = Room::open().await;
    room.upsert((0..95).map(|n| draft(&format!("p{n:02}"))).collect()).await;
    assert_eq!(room.listed("eu", Some("clothing"), ProductSort::Title).await.len(), 95);
    room.category("shirts", Some("sale")).await.unwrap();
    assert_eq!(room.listed("eu", Some("clothing"), ProductSort::Title).await.len(), 0);
    assert_eq!(room.listed("eu", Some("sale"), ProductSort::Title).await.len(), 95);
    // Products that are made while the tree changes are listed by the tree that is there in the end.
    let (catalog, drafts) = (room.catalog.clone(), (0..200).map(|n| draft(&format!("q{n:03}"))).collect());
    let feed = tokio::spawn(async move { catalog.upsert_products(drafts, meta()).await.unwrap() });
    for parent in ["clothing", "shoes", "sale", "clothing"] {
        room.category("shirts", Some(parent)).await.unwrap();
    }
    feed.await.unwrap();
    assert_eq!(room.listed("eu", Some("clothing"), ProductSort::Title).await.len(), 295);
    assert_eq!(room.listed("eu", Some("sale"), ProductSort::Title).await.len(), 0);
}

#[tokio::test]
async fn a_move_that_is_cut_off_half_way_is_finished_at_the_next_start() {
    let mut unfinished = 0;
    for patience in 0..12 {
        let room = Room::open().await;
        room.upsert((0..300).map(|n| draft(&format!("p{n:03}"))).collect()).await;
        let catalog = room.catalog.clone();
        let shirts = DefineCategory {
            id: None,
            slug: slug("shirts"),
            name: en("shirts"),
            parent: Some(slug("sale")),
            position: 0,
        };
        let moving = tokio::spawn(async move { catalog.define_category(shirts, meta()).await.is_ok() });
        // Lets the move come further each time, counted in commits: no clock is involved.
        let log = room.store.log_of("catalog");
        let head = room.store.log_head(&log).await.unwrap().last;
        let enough = head.get() + patience * 20;
        while !moving.is_finished() && room.store.log_head(&log).await.unwrap().last.get() < enough {
            tokio::task::yield_now().await;
        }
        room.store.close().await;
        unfinished += usize::from(!moving.await.unwrap());
        let room = room.restart().await;
        let shirts = room.catalog.categories().by_slug(&slug("shirts")).unwrap().id;
        let root = room.catalog.categories().path(shirts)[0].slug.to_string();
        let other = if root == "sale" { "clothing" } else { "sale" };
        let listed = async |category: &str| room.listed("eu", Some(category), ProductSort::Title).await.len();
        assert_eq!(
            (listed(&root).await, listed(other).await),
            (300, 0),
            "cut off after {patience} × 20 events"
        );
    }
    assert!(unfinished > 0, "no move was cut off");
}

#[tokio::test]
async fn a_product_types_attributes_keep_their_kind() {
    let room = Room::open().await;
    let types = room.catalog.product_types();
    let same = room.catalog.define_product_type(apparel(), meta()).await.unwrap();
    assert_eq!(types[&slug("apparel")], same);
    let refused = async |attributes| {
        let wanted = DefineProductType { attributes, ..apparel() };
        room.catalog.define_product_type(wanted, meta()).await.unwrap_err().to_string()
    };
    let number = attribute("material", AttributeKind::Number, AttributeLevel::Product);
    let fixed = CatalogRefusal::AttributeFixed(slug("material")).to_string();
    assert_eq!(refused(vec![number]).await, fixed);
    let level = attribute("material", AttributeKind::Text, AttributeLevel::Variant);
    assert_eq!(refused(vec![level]).await, fixed);
    let empty = attribute("colour", AttributeKind::Enum { values: vec![] }, AttributeLevel::Product);
    assert!(refused(vec![empty]).await.starts_with("attributes.0.values"));
    let twice = attribute("colour", AttributeKind::Text, AttributeLevel::Product);
    assert!(refused(vec![twice.clone(), twice]).await.starts_with("attributes.1.key"));
    // A product whose type lost an attribute can still be changed.
    let made = room.create(draft("p")).await.unwrap();
    let bare = DefineProductType { attributes: vec![], ..apparel() };
    room.catalog.define_product_type(bare, meta()).await.unwrap();
    let patch = ProductPatch { position: Some(5), ..ProductPatch::default() };
    let changed = room.catalog.update_product(made.product.id, patch, None, meta()).await.unwrap();
    assert!(changed.product.attributes.is_empty());
}
