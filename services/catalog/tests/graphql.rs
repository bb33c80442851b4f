//! The subgraph.

mod room;

use emporia_catalog::{ProductDraft, Texts};
use emporia_contracts::Principal;
use room::{Room, asks, draft, shopper, staff, with_variants};
use serde_json::{Value, json};

const CREATE: &str = "mutation($input: CreateProductInput!) { createProduct(input: $input) {
    product { id slug version variants { sku } } userErrors { code field message } } }";

fn input(slug: &str) -> Value {
    json!({
        "productType": "apparel",
        "slug": slug,
        "title": [{ "locale": "en", "text": "T-shirt" }, { "locale": "de", "text": "Leibchen" }],
        "attributes": [{ "key": "material", "value": "cotton" }, { "key": "width", "value": "12.50" }],
        "options": ["Colour"],
        "variants": [
            { "sku": format!("{slug}-r"), "options": ["Red"], "taxCategory": "standard", "gtin": "4006381333931" },
            { "sku": format!("{slug}-b"), "options": ["Blue"], "taxCategory": "standard" },
        ],
        "media": [{ "url": "/tee.webp", "alt": [{ "locale": "en", "text": "A shirt" }] }],
        "categories": ["shirts"],
        "publishIn": ["eu"],
    })
}

#[tokio::test]
async fn a_shopper_sees_a_published_product_in_his_language() {
    let room = Room::open().await;
    let made = room.run(staff(), CREATE, json!({ "input": input("tee") })).await;
    assert_eq!(made["data"]["createProduct"]["userErrors"], json!([]), "{made}");
    let text = "{ product(slug: \"tee\") { slug title description type { key name }
        attributes { key name kind value } options { name values }
        variants { sku title gtin image options { name value } product { slug } }
        media { url alt } categories { slug } breadcrumb { slug name } } }";
    let answer = room.run(shopper("eu", "de-CH"), text, json!({})).await;
    assert_eq!(
        answer["data"]["product"],
        json!({
            "slug": "tee", "title": "Leibchen", "description": null,
            "type": { "key": "apparel", "name": "Apparel" },
            "attributes": [
                { "key": "material", "name": "material", "kind": "TEXT", "value": "cotton" },
                { "key": "width", "name": "width", "kind": "NUMBER", "value": "12.5" },
            ],
            "options": [{ "name": "Colour", "values": ["Red", "Blue"] }],
            "variants": [
                { "sku": "tee-r", "title": "Leibchen", "gtin": "4006381333931", "image": "/tee.webp",
                  "options": [{ "name": "Colour", "value": "Red" }], "product": { "slug": "tee" } },
                { "sku": "tee-b", "title": "Leibchen", "gtin": null, "image": "/tee.webp",
                  "options": [{ "name": "Colour", "value": "Blue" }], "product": { "slug": "tee" } },
            ],
            "media": [{ "url": "/tee.webp", "alt": "A shirt" }],
            "categories": [{ "slug": "shirts" }],
            "breadcrumb": [{ "slug": "clothing", "name": "clothing" }, { "slug": "shirts", "name": "shirts" }],
        }),
        "{answer}"
    );
}

#[tokio::test]
async fn what_is_not_published_is_seen_by_those_who_work_on_it_only() {
    let room = Room::open().await;
    let made = room.run(staff(), CREATE, json!({ "input": input("tee") })).await;
    let id = made["data"]["createProduct"]["product"]["id"].clone();
    let sees =
        "query($id: ID!, $of: [_Any!]!) { product(id: $id) { slug } productVariant(sku: \"tee-r\") { sku }
        products { nodes { slug } } category(slug: \"clothing\") { products(first: 5) { nodes { slug } } }
        _entities(representations: $of) { __typename } }";
    let of =
        json!([{ "__typename": "Product", "id": id }, { "__typename": "ProductVariant", "sku": "tee-b" }]);
    let variables = json!({ "id": id, "of": of });
    let shown = room.run(shopper("eu", "en"), sees, variables.clone()).await["data"].clone();
    let nodes = json!({ "nodes": [{ "slug": "tee" }] });
    assert_eq!(shown["products"], nodes);
    assert_eq!(shown["category"]["products"], nodes);
    assert_eq!(shown["_entities"], json!([{ "__typename": "Product" }, { "__typename": "ProductVariant" }]));
    let hidden = json!({ "product": null, "productVariant": null, "products": { "nodes": [] },
        "category": { "products": { "nodes": [] } }, "_entities": [null, null] });
    assert_eq!(
        room.run(shopper("ch", "en"), sees, variables.clone()).await["data"],
        hidden,
        "another channel"
    );
    let unpublish = "mutation($id: ID!) { unpublishProduct(input: { id: $id }) { product { publishedIn } } }";
    let gone = room.run(staff(), unpublish, variables.clone()).await;
    assert_eq!(gone["data"]["unpublishProduct"]["product"]["publishedIn"], json!([]));
    assert_eq!(room.run(shopper("eu", "en"), sees, variables.clone()).await["data"], hidden);
    let worked_on = room.run(staff(), sees, variables).await["data"].clone();
    assert_eq!((&worked_on["product"]["slug"], &worked_on["products"]["nodes"]), (&json!("tee"), &json!([])));
    let everything =
        "{ products(includeUnpublished: true) { nodes { slug externalId titleTranslations { locale } } } }";
    assert_eq!(room.run(staff(), everything, json!({})).await["data"]["products"]["nodes"][0]["slug"], "tee");
    let refused = room.run(shopper("eu", "en"), everything, json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let other_scope = Principal::Operator { id: emporia_id_of(), scopes: ["orders:read".to_owned()].into() };
    let refused = room.run(asks(other_scope, "eu", "en"), everything, json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

fn emporia_id_of() -> emporia_contracts::ids::OperatorId {
    "opr_01jde5y8q0e8wtq2vgx4b1zq3c".parse().unwrap()
}

#[tokio::test]
async fn an_idempotency_key_makes_one_product() {
    let room = Room::open().await;
    let mut wanted = input("tee");
    wanted["idempotencyKey"] = json!("k-1");
    let first = room.run(staff(), CREATE, json!({ "input": wanted })).await;
    let second = room.run(staff(), CREATE, json!({ "input": wanted })).await;
    assert_eq!(
        first["data"]["createProduct"]["product"]["id"],
        second["data"]["createProduct"]["product"]["id"]
    );
    assert!(first["data"]["createProduct"]["product"]["id"].is_string());
    wanted["position"] = json!(3);
    let other = room.run(staff(), CREATE, json!({ "input": wanted })).await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "IDEMPOTENCY_KEY_REUSED");
    let keyless = room.run(staff(), CREATE, json!({ "input": input("tee") })).await;
    assert_eq!(keyless["data"]["createProduct"]["userErrors"][0]["code"], "DUPLICATE");
}

#[tokio::test]
async fn an_update_of_an_older_version_is_a_conflict() {
    let room = Room::open().await;
    let made = room.run(staff(), CREATE, json!({ "input": input("tee") })).await;
    let made = &made["data"]["createProduct"]["product"];
    let update = "mutation($input: UpdateProductInput!) { updateProduct(input: $input) {
        product { title version } userErrors { code field } } }";
    let retitled = |version: &Value, title: &str| {
        let title = json!([{ "locale": "en", "text": title }]);
        json!({ "input": { "id": made["id"], "expectedVersion": version, "title": title } })
    };
    let changed =
        room.run(staff(), update, retitled(&made["version"], "New")).await["data"]["updateProduct"].clone();
    assert_eq!((&changed["product"]["title"], &changed["userErrors"]), (&json!("New"), &json!([])));
    let late =
        room.run(staff(), update, retitled(&made["version"], "Late")).await["data"]["updateProduct"].clone();
    assert_eq!(late["userErrors"], json!([{ "code": "VERSION_CONFLICT", "field": ["expectedVersion"] }]));
    let odd = room.run(staff(), update, retitled(&json!("x"), "Odd")).await;
    assert_eq!(odd["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_page_of_variants_is_resolved_in_one_read_each_of_names_and_products() {
    let room = Room::open().await;
    let mut drafts: Vec<_> = (0..60).map(|n| draft(&format!("p{n}"))).collect();
    drafts.push(with_variants("many", 0..40));
    room.upsert(drafts).await;
    let room = room.restart().await;
    let skus = (0..60).map(|n| format!("p{n}-1")).chain((0..40).map(|n| format!("many-{n}")));
    let of: Vec<_> = skus.map(|sku| json!({ "__typename": "ProductVariant", "sku": sku })).collect();
    let text = "query($of: [_Any!]!) { _entities(representations: $of) { ... on ProductVariant {
        sku title product { slug breadcrumb { name } } } } }";
    let answer = room.run(shopper("eu", "en"), text, json!({ "of": of })).await;
    let entities = answer["data"]["_entities"].as_array().unwrap();
    assert_eq!(entities.iter().filter(|e| e["product"]["slug"].is_string()).count(), 100, "{answer}");
    assert_eq!(room.catalog.store_reads(), 2);
    let page =
        "{ products(first: 50) { nodes { title variants { sku product { title } } categories { name } } } }";
    room.run(shopper("eu", "en"), page, json!({})).await;
    assert_eq!(room.catalog.store_reads(), 2, "they are in memory now");
    let room = room.restart().await;
    room.run(shopper("eu", "en"), page, json!({})).await;
    assert_eq!(room.catalog.store_reads(), 1, "a cold page is one read");
}

#[tokio::test]
async fn pages_have_cursors_and_wrong_questions_are_told() {
    let room = Room::open().await;
    room.upsert((0..5).map(|n| draft(&format!("p{n}"))).collect()).await;
    let page = "query($first: Int, $after: String, $last: Int, $before: String) {
        products(category: \"clothing\", sort: TITLE, first: $first, after: $after, last: $last, before: $before) {
            pageInfo { hasNextPage hasPreviousPage endCursor startCursor } nodes { slug } } }";
    let ask = async |variables: Value| room.run(shopper("eu", "en"), page, variables).await;
    let first = ask(json!({ "first": 2 })).await["data"]["products"].clone();
    assert_eq!(first["nodes"], json!([{ "slug": "p0" }, { "slug": "p1" }]));
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let next =
        ask(json!({ "first": 9, "after": first["pageInfo"]["endCursor"] })).await["data"]["products"].clone();
    assert_eq!(next["nodes"], json!([{ "slug": "p2" }, { "slug": "p3" }, { "slug": "p4" }]));
    let back = ask(json!({ "last": 1, "before": next["pageInfo"]["startCursor"] })).await["data"]["products"]
        .clone();
    assert_eq!(
        (&back["nodes"], &back["pageInfo"]["hasPreviousPage"]),
        (&json!([{ "slug": "p1" }]), &json!(true))
    );
    for wrong in [
        json!({ "first": 0 }),
        json!({ "first": 101 }),
        json!({ "first": -1 }),
        json!({ "first": 1, "last": 1 }),
        json!({ "after": "!!" }),
        json!({ "after": "" }),
        json!({ "before": "AAAA" }),
    ] {
        let answer = ask(wrong.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{wrong}");
    }
    for (text, code) in [
        ("{ product { id } }", "BAD_USER_INPUT"),
        ("{ product(id: \"ord_01jde5y8q0e8wtq2vgx4b1zq3c\") { id } }", "BAD_USER_INPUT"),
        ("{ product(slug: \"../etc\") { id } }", "BAD_USER_INPUT"),
        ("{ productVariant(sku: \"a b\") { id } }", "BAD_USER_INPUT"),
        ("{ products(category: \"nowhere\") { nodes { id } } }", "NOT_FOUND"),
    ] {
        let answer = room.run(shopper("eu", "en"), text, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{text}");
    }
}

#[tokio::test]
async fn refusals_name_the_field_and_hostile_input_is_no_fault() {
    let room = Room::open().await;
    for (path, value, code, field) in [
        ("/variants/0/gtin", json!("4006381333932"), "BAD_USER_INPUT", "variants.0.gtin"),
        ("/variants/0/weightGrams", json!(-1), "BAD_USER_INPUT", "variants.0.weightGrams"),
        ("/slug", json!("No Spaces"), "BAD_USER_INPUT", "slug"),
        ("/title", json!([]), "INVALID", "title"),
        ("/title/0/text", json!(""), "INVALID", "title.en"),
        ("/title/0/locale", json!("deutsch"), "BAD_USER_INPUT", "title.0.locale"),
        ("/attributes/1/value", json!("wide"), "INVALID", "attributes.width"),
        ("/attributes/1/key", json!("material"), "BAD_USER_INPUT", "attributes.1.key"),
        ("/variants/1/options", json!(["Red"]), "INVALID", "variants.1.options"),
        ("/categories", json!(["nowhere"]), "NOT_FOUND", "categories"),
        ("/publishIn", json!(["mars"]), "NOT_FOUND", "channels"),
        ("/idempotencyKey", json!(""), "BAD_USER_INPUT", "idempotencyKey"),
    ] {
        let mut wanted = input("tee");
        if path == "/idempotencyKey" {
            wanted["idempotencyKey"] = value;
        } else if path == "/variants/0/weightGrams" {
            wanted["variants"][0]["weightGrams"] = value;
        } else {
            *wanted.pointer_mut(path).unwrap() = value;
        }
        let answer = room.run(staff(), CREATE, json!({ "input": wanted })).await;
        if code == "BAD_USER_INPUT" {
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{path}: {answer}");
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains(field), "{path}: {answer}");
        } else {
            let error = &answer["data"]["createProduct"]["userErrors"][0];
            let parts: Vec<_> = field.split('.').collect();
            assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(parts)), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn types_and_categories_are_defined_and_read_back() {
    let room = Room::empty().await;
    let define = "mutation($type: DefineProductTypeInput!, $category: DefineCategoryInput!) {
        defineProductType(input: $type) { productType { key attributes { key kind values required level } } userErrors { code } }
        defineCategory(input: $category) { category { slug name parent { slug } } userErrors { code field } } }";
    let name = |text: &str| json!([{ "locale": "en", "text": text }]);
    let variables = |parent: Value| {
        json!({
            "type": { "key": "shoe", "name": name("Shoe"), "attributes": [
                { "key": "sole", "name": name("Sole"), "kind": "ENUM", "values": ["rubber"], "required": true, "level": "VARIANT" }
            ] },
            "category": { "slug": "boots", "name": name("Boots"), "parent": parent },
        })
    };
    let answer = room.run(staff(), define, variables(Value::Null)).await["data"].clone();
    assert_eq!(
        answer["defineProductType"]["productType"],
        json!({ "key": "shoe", "attributes": [
            { "key": "sole", "kind": "ENUM", "values": ["rubber"], "required": true, "level": "VARIANT" }
        ] })
    );
    assert_eq!(
        answer["defineCategory"]["category"],
        json!({ "slug": "boots", "name": "Boots", "parent": null })
    );
    let cycle = room.run(staff(), define, variables(json!("boots"))).await["data"].clone();
    assert_eq!(cycle["defineCategory"]["userErrors"], json!([{ "code": "INVALID", "field": ["parent"] }]));
    let tree = room
        .run(shopper("eu", "en"), "{ categories { slug children { slug } } productTypes { key } }", json!({}))
        .await;
    assert_eq!(
        tree["data"],
        json!({ "categories": [{ "slug": "boots", "children": [] }], "productTypes": [{ "key": "shoe" }] })
    );
}

#[tokio::test]
async fn titles_without_a_language_of_the_channel_are_still_shown() {
    let room = Room::open().await;
    let title = Texts::of("ja".parse().unwrap(), "シャツ");
    room.create(ProductDraft { title, ..draft("p") }).await.unwrap();
    let answer = room.run(shopper("eu", "en"), "{ product(slug: \"p\") { title } }", json!({})).await;
    assert_eq!(answer["data"]["product"]["title"], "シャツ");
}
