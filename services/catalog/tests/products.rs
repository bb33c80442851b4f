//! Making and changing one product.

mod room;

use emporia_catalog::{CatalogRefusal, Media, ProductDraft, ProductPatch, Texts, VariantDraft};
use emporia_contracts::{
    catalog::{Catalog, SelectedOption, VariantsRequest},
    values::{Gtin, Locale},
};
use room::{Room, draft, en, meta, slug, variant, with_variants};
use std::collections::BTreeMap;

fn locale(tag: &str) -> Locale {
    tag.parse().unwrap()
}

#[test]
fn a_text_falls_back_from_region_to_language_to_the_channels_to_any() {
    let texts = Texts::of(locale("de"), "Hemd").with(locale("en"), "Shirt").with(locale("fr"), "Chemise");
    for (asked, channel, expected) in [
        ("de-CH", "en", "Hemd"),
        ("de", "en", "Hemd"),
        ("fr-CA", "en", "Chemise"),
        ("ja", "en-GB", "Shirt"),
        ("ja", "it", "Hemd"),
        ("en", "de", "Shirt"),
    ] {
        assert_eq!(
            texts.for_reader(&locale(asked), &locale(channel)),
            Some(expected),
            "{asked} in a {channel} channel"
        );
    }
    let swiss = Texts::of(locale("de-CH"), "Hemmli").with(locale("de"), "Hemd");
    assert_eq!(swiss.for_reader(&locale("de-CH"), &locale("en")), Some("Hemmli"));
    assert_eq!(Texts::default().for_reader(&locale("en"), &locale("en")), None);
}

#[tokio::test]
async fn others_learn_what_they_need_to_sell_a_variant_in_one_batch() {
    let room = Room::open().await;
    let red = VariantDraft {
        gtin: Some("4006381333931".parse::<Gtin>().unwrap()),
        image: Some("/red.webp".into()),
        ..variant("TEE-RED", &["Red"])
    };
    let voucher = VariantDraft { shippable: false, weight_grams: 5, ..variant("TEE-MAIL", &["None"]) };
    let tee = ProductDraft {
        title: Texts::of(locale("de"), "Leibchen").with(locale("en"), "T-shirt"),
        options: vec!["Colour".into()],
        variants: vec![red, voucher],
        media: vec![Media { url: "https://cdn.example/tee.webp".into(), alt: en("A shirt") }],
        ..draft("tee")
    };
    room.create(tee).await.unwrap();
    room.create(draft("other")).await.unwrap();
    let room = room.restart().await;
    let skus =
        ["TEE-RED", "NOBODY", "other-1", "TEE-MAIL", "TEE-RED"].map(|sku| sku.parse().unwrap()).to_vec();
    let request = VariantsRequest { skus, channel: "ch".parse().unwrap(), locale: locale("de-CH") };
    let found = room.catalog.variants(request.clone()).await.unwrap();
    assert_eq!(room.catalog.store_reads(), 2, "one read for the SKUs, one for the products");
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, true, true]);
    let red = found[0].clone().unwrap();
    assert_eq!(
        (red.title.as_str(), red.image_url.as_deref(), red.weight_grams),
        ("Leibchen", Some("/red.webp"), 250)
    );
    assert_eq!(red.options, [SelectedOption { name: "Colour".into(), value: "Red".into() }]);
    assert!(!red.published, "published in eu, asked for ch");
    let mail = found[3].clone().unwrap();
    assert_eq!((mail.shippable, mail.weight_grams), (false, 0));
    assert_eq!(mail.image_url.as_deref(), Some("https://cdn.example/tee.webp"));
    // From now on it is in memory.
    room.store.close().await;
    let skus = vec!["TEE-RED".parse().unwrap(), "other-1".parse().unwrap()];
    let again = room
        .catalog
        .variants(VariantsRequest { skus, channel: "eu".parse().unwrap(), ..request })
        .await
        .unwrap();
    assert!(again.into_iter().flatten().all(|facts| facts.published));
}

#[tokio::test]
async fn attributes_are_of_their_kind() {
    let room = Room::open().await;
    let cases = [
        ("width", "12.50", Some("12.5")),
        ("width", "-3", Some("-3")),
        ("width", "1e3", None),
        ("width", "12,5", None),
        ("width", "", None),
        ("width", "NaN", None),
        ("width", "99999999999999999999999999999999", None),
        ("organic", "true", Some("true")),
        ("organic", "yes", None),
        ("organic", "TRUE", None),
        ("fit", "slim", Some("slim")),
        ("fit", "Slim", None),
        ("since", "2024-02-29", Some("2024-02-29")),
        ("since", "2023-02-29", None),
        ("since", "2024-02-29T00:00", None),
        ("since", "29.02.2024", None),
        ("material", "wool\nand silk", Some("wool\nand silk")),
        ("material", " ", None),
        ("material", "bell\u{7}", None),
        ("length", "3", None),
        ("unknown", "x", None),
    ];
    for (number, (key, text, expected)) in cases.into_iter().enumerate() {
        let mut wanted = draft(&format!("p{number}"));
        wanted.attributes.insert(slug(key), text.to_owned());
        match (room.create(wanted).await, expected) {
            (Ok(stored), Some(expected)) => {
                assert_eq!(stored.product.attributes[&slug(key)].to_string(), expected, "{key} = {text:?}");
            }
            (Err(refusal), None) => {
                assert_eq!(refusal.field(), format!("attributes.{key}"), "{key} = {text:?}")
            }
            (outcome, _) => panic!("{key} = {text:?}: {outcome:?}"),
        }
    }
    let missing =
        room.create(ProductDraft { attributes: BTreeMap::new(), ..draft("none") }).await.unwrap_err();
    assert_eq!(
        missing,
        CatalogRefusal::Invalid { field: "attributes.material".into(), reason: "is required".into() }
    );
    let mut long = draft("long");
    long.variants[0].attributes.insert(slug("length"), "82".into());
    assert_eq!(
        room.create(long).await.unwrap().product.variants[0].attributes[&slug("length")].to_string(),
        "82"
    );
}

#[tokio::test]
async fn names_and_choices_are_unique() {
    let room = Room::open().await;
    let first = room.create(draft("a")).await.unwrap().product.id;
    assert_eq!(room.create(draft("a")).await.unwrap_err(), CatalogRefusal::SlugTaken(slug("a")));
    let stolen = ProductDraft { variants: vec![variant("a-1", &[])], ..draft("b") };
    let refusal = CatalogRefusal::SkuTaken { sku: "a-1".parse().unwrap(), product: first };
    assert_eq!(room.create(stolen).await.unwrap_err(), refusal);
    let sized =
        |variants| ProductDraft { options: vec!["Colour".into(), "Size".into()], variants, ..draft("c") };
    for (wanted, field) in [
        (sized(vec![variant("x", &["Red", "M"]), variant("y", &["Red", "M"])]), "variants.1.options"),
        (sized(vec![variant("x", &["Red", "M"]), variant("x", &["Red", "L"])]), "variants.1.sku"),
        (sized(vec![variant("x", &["Red"])]), "variants.0.options"),
        (sized(vec![variant("x", &["Red", ""])]), "variants.0.options"),
        (sized(vec![]), "variants"),
        (ProductDraft { options: vec!["Size".into(), "Size".into()], ..draft("c") }, "options.1"),
        (
            ProductDraft { variants: vec![variant("x", &[]), variant("y", &[])], ..draft("c") },
            "variants.1.options",
        ),
    ] {
        assert_eq!(room.create(wanted).await.unwrap_err().field(), field);
    }
    // What was refused has claimed nothing.
    room.create(ProductDraft { variants: vec![variant("x", &[])], ..draft("c") }).await.unwrap();
}

#[tokio::test]
async fn of_64_that_want_the_same_name_at_once_one_gets_it() {
    let room = Room::open().await;
    for round in ["slug", "sku", "external"] {
        let tasks: Vec<_> = (0..64)
            .map(|n| {
                let mut wanted = draft(&format!("{round}-{n}"));
                match round {
                    "slug" => wanted.slug = slug("same"),
                    "sku" => wanted.variants = vec![variant("SAME", &[])],
                    _ => wanted.external_id = Some("same".parse().unwrap()),
                }
                let catalog = room.catalog.clone();
                tokio::spawn(async move { catalog.create_product(wanted, None, meta()).await.is_ok() })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += usize::from(task.await.unwrap());
        }
        assert_eq!(won, 1, "{round}");
    }
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_gives_names_up() {
    let room = Room::open().await;
    let made = room.create(with_variants("a", 0..3)).await.unwrap();
    let id = made.product.id;
    let patch = ProductPatch {
        slug: Some(slug("b")),
        variants: Some(with_variants("a", 1..4).variants),
        ..ProductPatch::default()
    };
    let changed = room.catalog.update_product(id, patch.clone(), Some(made.version), meta()).await.unwrap();
    assert_eq!(changed.product.title, made.product.title);
    assert_eq!(changed.product.variants[0].id, made.product.variants[1].id, "a SKU keeps its variant");
    let conflict = room.catalog.update_product(id, patch.clone(), Some(made.version), meta()).await;
    let refusal =
        CatalogRefusal::VersionConflict { expected: made.version.get(), actual: changed.version.get() };
    assert_eq!(conflict.unwrap_err().to_string(), refusal.to_string());
    let events = room.events().await.len();
    let same = room.catalog.update_product(id, patch, Some(changed.version), meta()).await.unwrap();
    assert_eq!(
        (same.version, room.events().await.len()),
        (changed.version, events),
        "the same again writes nothing"
    );
    assert!(room.catalog.product_by_slug(&slug("a")).await.unwrap().is_none());
    assert_eq!(room.catalog.product_by_slug(&slug("b")).await.unwrap().unwrap().product.id, id);
    let found =
        room.catalog.products_of_skus(&["a-0".parse().unwrap(), "a-3".parse().unwrap()]).await.unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    // Slug and SKU are free again.
    room.create(ProductDraft { variants: vec![variant("a-0", &[])], ..draft("a") }).await.unwrap();
}

#[tokio::test]
async fn hostile_texts_and_sizes_are_refused_by_name() {
    let room = Room::open().await;
    let long = "x".repeat(301);
    let media = |url: &str| vec![Media { url: url.into(), alt: Texts::default() }];
    let heavy = VariantDraft { weight_grams: u32::MAX, ..variant("h", &[]) };
    let languages = (0..31).fold(Texts::default(), |texts, n| {
        let tag = format!("{}{}", char::from(b'a' + n / 26), char::from(b'a' + n % 26));
        texts.with(locale(&tag), "x")
    });
    let huge = (0..25).fold(Texts::default(), |texts, n| {
        texts.with(locale(&format!("a{}", char::from(b'a' + n))), "€".repeat(20_000))
    });
    for (wanted, field) in [
        (ProductDraft { title: en(""), ..draft("p") }, "title.en"),
        (ProductDraft { title: en(" \u{a0} "), ..draft("p") }, "title.en"),
        (ProductDraft { title: en("a\u{0}b"), ..draft("p") }, "title.en"),
        (ProductDraft { title: en(&long), ..draft("p") }, "title.en"),
        (ProductDraft { title: Texts::default(), ..draft("p") }, "title"),
        (ProductDraft { title: languages, ..draft("p") }, "title"),
        (ProductDraft { description: en("bell\u{7}"), ..draft("p") }, "description.en"),
        (ProductDraft { description: en(&"x".repeat(20_001)), ..draft("p") }, "description.en"),
        (ProductDraft { description: huge, ..draft("p") }, ""),
        (ProductDraft { media: media("javascript:alert(1)"), ..draft("p") }, "media.0.url"),
        (ProductDraft { media: media("data:text/html,x"), ..draft("p") }, "media.0.url"),
        (ProductDraft { media: media("//evil.example/a.png"), ..draft("p") }, "media.0.url"),
        (ProductDraft { media: media("https://a b"), ..draft("p") }, "media.0.url"),
        (ProductDraft { media: media("https://"), ..draft("p") }, "media.0.url"),
        (
            ProductDraft { media: media(&format!("https://x/{}", "x".repeat(2_000))), ..draft("p") },
            "media.0.url",
        ),
        (ProductDraft { variants: vec![heavy], ..draft("p") }, "variants.0.weightGrams"),
        (with_variants("p", 0..251), "variants"),
        (ProductDraft { options: vec!["o".into(); 6], ..draft("p") }, "options"),
        (ProductDraft { categories: vec![slug("nowhere")], ..draft("p") }, "categories"),
        (ProductDraft { product_type: slug("nothing"), ..draft("p") }, "productType"),
        (ProductDraft { published_in: Some(vec!["mars".parse().unwrap()]), ..draft("p") }, "channels"),
    ] {
        let refusal = room.create(wanted).await.unwrap_err();
        assert_eq!(refusal.field(), field, "{refusal}");
    }
    // What only looks hostile is fine.
    let odd = ProductDraft { title: en("<script>'; DROP TABLE — 衬衫 👕</script>"), ..draft("odd") };
    assert_eq!(room.create(odd.clone()).await.unwrap().product.title, odd.title);
}

#[test]
fn a_gtin_with_a_wrong_check_digit_is_none() {
    for (text, valid) in [
        ("4006381333931", true),
        ("4006381333932", false),
        ("96385074", true),
        ("036000291452", true),
        ("12", false),
    ] {
        assert_eq!(text.parse::<Gtin>().is_ok(), valid, "{text}");
    }
}
