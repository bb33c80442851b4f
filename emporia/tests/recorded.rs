//! Whatever is written in an operator's name is in the audit log: walked off the supergraph, so that a new mutation is
//! tested the day it is there.

mod process;

use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};
use emporia::graph;
use emporia_audit::{Entry, Filter, Recorded, verify};
use emporia_auth::TotpSecret;
use emporia_checkout::Checkout;
use emporia_contracts::{Trouble, ids::CheckoutId};
use emporia_payments::Payment;
use emporia_store::{Document, Key, StoreError};
use emporia_testkit::{Emporia, Shopper};
use process::{Installation, run, text, waited};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

const CARD: &str = "4242424242424242";

/// Mutations that ask for a right and write nothing in the caller's name, and why that is so.
const READING: &[&str] = &[
    // It reads.
    "exportPerson",
];

/// The mutations of operators.
fn scoped(shop: &Emporia) -> BTreeSet<String> {
    let sdl = parse_schema(graph::supergraph(&shop.platform).unwrap().sdl()).unwrap();
    let mutation = sdl.definitions.iter().find_map(|definition| match definition {
        TypeSystemDefinition::Type(ty) if ty.node.name.node == "Mutation" => match &ty.node.kind {
            TypeKind::Object(object) => Some(&object.fields),
            _ => None,
        },
        _ => None,
    });
    let asks = |field: &&async_graphql::Positioned<async_graphql::parser::types::FieldDefinition>| {
        field.node.directives.iter().any(|d| d.node.name.node == "requiresScopes")
    };
    mutation.unwrap().iter().filter(asks).map(|field| field.node.name.node.to_string()).collect()
}

/// The entries of one request.
async fn entries(shop: &Emporia, request: &str) -> Vec<Entry> {
    shop.caught_up().await;
    let (page, _) = shop.platform.audit.page(&Filter::default(), 1000, None).await.unwrap();
    let entries = page.into_iter().map(|(_, Recorded { entry, .. })| entry.unwrap());
    entries.filter(|entry| entry.correlation_id == request).collect()
}

struct Staff<'a> {
    shop: &'a Emporia,
    staff: Shopper<'a>,
    left: BTreeSet<String>,
}

impl Staff<'_> {
    /// Runs a mutation that changes something, and sees its entry.
    async fn does(&mut self, field: &str, input: Value, selection: &str) -> Value {
        let kind = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
        let kind = match field {
            "unpublishProduct" => "PublishProductInput",
            "erasePerson" => "PersonInput",
            "revokeApiKey" => "ApiKeyInput",
            "cancelFulfilment" | "deliverFulfilment" => "FulfilmentInput",
            _ => &kind,
        };
        let query = format!("mutation($input: {kind}!) {{ {field}(input: $input) {{ {selection} }} }}");
        let mut headers = self.staff.headers();
        headers.push(("x-request-id", field));
        let answer = self.shop.ask(&query, json!({ "input": input }), &headers).await;
        assert!(answer.get("errors").is_none(), "{field}: {answer:#}");
        let errors = &answer["data"][field]["userErrors"];
        assert!(errors.is_null() || *errors == json!([]), "{field}: {answer:#}");
        let found = entries(self.shop, field).await;
        assert!(!found.is_empty(), "{field} left no entry");
        for entry in &found {
            assert_eq!(entry.operation, field, "{entry:?}");
            assert!(entry.who.starts_with("operator/"), "{entry:?}");
            assert!(!entry.changes.is_empty(), "{entry:?}");
        }
        assert!(self.left.remove(field), "{field} is no mutation of operators");
        answer["data"][field].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mutation_of_operators_leaves_an_entry() {
    let shop = Emporia::small().await;
    let (customer, guest) = (shop.customer("ada@example.com").await, shop.guest().await);
    let mut orders = vec![];
    for _ in 0..3 {
        orders.push(guest.buy(&guest.cart_with(&[("MUG", 2)]).await, CARD).await);
    }
    shop.caught_up().await;
    let mut staff = Staff { left: scoped(&shop), staff: shop.operator(&["admin"]).await, shop: &shop };
    let all = staff.left.len();
    staff.left.retain(|field| !READING.contains(&field.as_str()));
    assert_eq!(staff.left.len(), all - READING.len());
    const ERRORS: &str = "userErrors { code message }";

    // The catalogue.
    let text = |text: &str| json!([{ "locale": "en", "text": text }]);
    let wares = json!({ "key": "wares", "name": text("Wares") });
    staff.does("defineProductType", wares, ERRORS).await;
    staff.does("defineCategory", json!({ "slug": "new", "name": text("New") }), ERRORS).await;
    let lamp = json!({
        "slug": "lamp", "productType": "goods", "title": text("Lamp"), "categories": ["new"],
        "variants": [{ "sku": "LAMP", "taxCategory": "standard" }],
    });
    let lamp = staff.does("createProduct", lamp, "product { id } userErrors { code message }").await;
    let lamp = &lamp["product"]["id"];
    staff.does("updateProduct", json!({ "id": lamp, "title": text("A lamp") }), ERRORS).await;
    staff.does("publishProduct", json!({ "id": lamp, "channels": ["eu"] }), ERRORS).await;
    staff.does("unpublishProduct", json!({ "id": lamp, "channels": ["eu"] }), ERRORS).await;

    // Where and for how much.
    let channel = json!({
        "key": "swiss", "name": "Switzerland", "currencyCode": "CHF", "countries": ["CH"], "defaultLocale": "de",
        "locales": ["de"], "priceKind": "GROSS", "orderPrefix": "CH", "stockPool": ["warehouse"], "timeZone": "UTC",
    });
    staff.does("defineChannel", channel, ERRORS).await;
    let location = json!({ "key": "depot", "kind": "WAREHOUSE", "name": "Depot", "countryCode": "CH" });
    staff.does("defineLocation", location, "location { key }").await;
    let option = json!({
        "key": "express", "name": "Express", "taxCategory": "shipping", "minDays": 1, "maxDays": 1,
        "rates": [{ "from": "0", "charge": "9.90" }],
    });
    staff.does("defineDeliveryOption", option, "__typename").await;
    let rate = json!({ "name": "VAT", "category": "standard", "countryCode": "CH", "rate": "0.081" });
    staff.does("defineTaxRate", rate, ERRORS).await;
    staff.does("setPrice", json!({ "sku": "LAMP", "unit": "49.00" }), ERRORS).await;
    staff.does("setPrices", json!({ "prices": [{ "sku": "LAMP", "unit": "48.00" }] }), ERRORS).await;
    staff.does("setStockLevel", json!({ "sku": "LAMP", "location": "warehouse", "onHand": 5 }), ERRORS).await;

    // Orders.
    let fulfil = json!({ "orderId": orders[0]["id"] });
    const MADE: &str = "fulfilment { id } userErrors { code message }";
    let made = staff.does("createFulfilment", fulfil.clone(), MADE).await;
    let of = |made: &Value| json!({ "orderId": orders[0]["id"], "fulfilmentId": made["fulfilment"]["id"] });
    staff.does("cancelFulfilment", of(&made), ERRORS).await;
    staff.left.insert("createFulfilment".into());
    let made = staff.does("createFulfilment", fulfil, MADE).await;
    staff.does("shipFulfilment", of(&made), ERRORS).await;
    staff.does("deliverFulfilment", of(&made), ERRORS).await;
    staff.does("cancelOrder", json!({ "orderId": orders[1]["id"], "reason": "none left" }), ERRORS).await;
    shop.caught_up().await;
    let line = &orders[0]["lines"][0]["id"];
    let back = json!({
        "externalId": "counter-1", "orderId": orders[0]["id"], "location": "store",
        "lines": [{ "orderLineId": line, "sku": "MUG", "quantity": 1, "condition": "RESTOCK" }],
    });
    staff.does("recordReturn", back, ERRORS).await;
    let payments = shop.platform.store.space("payments").unwrap();
    let all: Vec<Payment> =
        payments.scan::<Payment>(None, 100).await.unwrap().into_iter().map(|(_, p)| p.value).collect();
    let of_order = |order: &Value| {
        let found = all.iter().find(|p| p.order.map(|id| id.to_string()).as_deref() == order["id"].as_str());
        found.unwrap().clone()
    };
    let refund = json!({
        "paymentId": of_order(&orders[0]).id, "amount": "1.00", "reason": "late", "idempotencyKey": "late-1",
    });
    staff.does("refundPayment", refund, ERRORS).await;

    // What is stuck.
    let now = shop.platform.store.clock().now();
    let stuck = || Some(Trouble { reason: "a test".into(), tries: 9, since: now, again: None });
    let mut payment = payments.get::<Payment>(&of_order(&orders[2]).key()).await.unwrap().unwrap().value;
    payment.trouble = stuck();
    put(&shop, "payments", &payment).await;
    staff.does("retryPayment", json!({ "paymentId": payment.id }), ERRORS).await;
    let checkout: CheckoutId =
        guest.checkout(&guest.cart_with(&[("MUG", 1)]).await, "DE").await.parse().unwrap();
    let key = Key::of("checkout", checkout.to_string());
    let space = shop.platform.store.space("checkout").unwrap();
    let mut checkout = space.get::<Checkout>(&key).await.unwrap().unwrap().value;
    checkout.trouble = stuck();
    put(&shop, "checkout", &checkout).await;
    staff.does("retryCheckout", json!({ "checkoutId": checkout.id }), ERRORS).await;

    // People and rights.
    let operator = json!({
        "name": "Bea", "email": "bea@staff.example.com", "password": "correct horse", "roles": ["analyst"],
    });
    staff.does("createOperator", operator, ERRORS).await;
    let key = json!({ "name": "ERP", "scopes": ["orders:read"] });
    let key = staff.does("createApiKey", key, "apiKey { id } userErrors { code message }").await;
    staff.does("revokeApiKey", json!({ "apiKeyId": key["apiKey"]["id"] }), "apiKey { id }").await;
    let password = json!({ "password": "correct horse" });
    let secret = staff.does("startSecondFactor", password, "secret userErrors { code message }").await;
    let secret = TotpSecret::from_base32(secret["secret"].as_str().unwrap()).unwrap();
    let code = |ahead: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(30 * ahead);
        (0..1_000_000).map(|n| format!("{n:06}")).find(|code| {
            let step = u64::try_from(at.as_second() / 30).unwrap();
            secret.step_of(code, at) == Some(step)
        })
    };
    staff.does("confirmSecondFactor", json!({ "code": code(0) }), ERRORS).await;
    let gone = json!({ "password": "correct horse", "code": code(1) });
    staff.does("removeSecondFactor", gone, ERRORS).await;
    let me = customer.data("{ me { id } }", json!({})).await;
    staff.does("erasePerson", json!({ "customerId": me["me"]["id"] }), "erased").await;

    assert!(staff.left.is_empty(), "these leave no entry, or nobody tried: {:?}", staff.left);
    let verified = verify(&shop.platform.store, &shop.platform.chain_key, 1, None).await.unwrap();
    assert_eq!((verified.breaks, verified.waiting), (0, 0), "{verified}");
}

async fn put<T: Document + Sync>(shop: &Emporia, space: &str, document: &T) {
    let space = shop.platform.store.space(space).unwrap();
    space.transact(|tx| async move { tx.overwrite(document) }).await.map_err(|e: StoreError| e).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_space_takes_entries_but_that_of_the_chain() {
    let shop = Emporia::empty().await;
    for space in shop.platform.store.spaces() {
        let takes = space.scan::<Entry>(None, 1).await.is_ok();
        assert_eq!(takes, space.name() != emporia_audit::SPACE, "{}", space.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shoppers_account_is_recorded_and_his_purchases_are_not() {
    let shop = Emporia::small().await;
    let customer = shop.customer("ada@example.com").await;
    let asked = async |query: &str, name: &str| {
        let mut headers = customer.headers();
        headers.push(("x-request-id", name));
        shop.data(query, json!({}), &headers).await;
        entries(&shop, name).await
    };
    let add = "mutation { addAddress(input: {address: {name: \"Ada Lovelace\", line1: \"St James's Square 12\", \
               city: \"London\", postalCode: \"SW1Y 4JH\", countryCode: \"GB\"}}) { userErrors { code } } }";
    let added = asked(add, "add-address").await;
    assert_eq!(added.len(), 1);
    assert!(added[0].who.starts_with("customer/") && added[0].operation == "addAddress", "{added:?}");
    let told = serde_json::to_string(&added).unwrap();
    assert!(told.contains("\"addresses\":{\"person\":") && !told.contains("Lovelace"), "{told}");
    let password = "mutation { changePassword(input: {currentPassword: \"correct horse\", \
                    password: \"a new one, longer\"}) { userErrors { code message } } }";
    let changed = asked(password, "password").await;
    let told = serde_json::to_string(&changed).unwrap();
    assert!(told.contains("\"password\":\"(not recorded)\""), "{told}");
    assert!(!told.contains("argon2"), "{told}");
    let order = customer.buy(&customer.cart_with(&[("MUG", 1)]).await, CARD).await;
    assert!(order["id"].is_string());
    shop.caught_up().await;
    let (page, _) = shop.platform.audit.page(&Filter::default(), 1000, None).await.unwrap();
    let spaces: BTreeSet<String> = page.into_iter().map(|(_, recorded)| recorded.link.space).collect();
    assert_eq!(spaces, BTreeSet::from(["customers".to_owned()]), "a purchase waits for no entry");
}

const LOG: &str =
    "{ auditLog(first: 50) { nodes { number who operation changes { subject before after } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn the_log_shows_what_is_personal_until_the_person_is_erased_and_stays_whole() {
    let shop = Emporia::small().await;
    let staff = shop.operator(&["admin"]).await;
    let customer = shop.customer("ada@example.com").await;
    let rename =
        "mutation { updateProfile(input: {name: \"Ada Lovelace\"}) { userErrors { code message } } }";
    customer.data(rename, json!({})).await;
    shop.caught_up().await;
    let seen = staff.data(LOG, json!({})).await;
    let first = &seen["auditLog"]["nodes"][0];
    assert_eq!((&first["operation"], &first["number"]), (&json!("updateProfile"), &json!("1")), "{seen:#}");
    let change = &first["changes"][0];
    assert_eq!(change["after"]["profile"]["name"], "Ada Lovelace", "{seen:#}");
    assert_eq!(change["before"]["profile"]["name"], Value::Null, "{seen:#}");

    // Who may read the log and not customers sees whose it is, and no more.
    let made = staff
        .data(
            "mutation { createApiKey(input: {name: \"SIEM\", scopes: [\"audit:read\"]}) { secret } }",
            json!({}),
        )
        .await;
    let bearer = format!("Bearer {}", made["createApiKey"]["secret"].as_str().unwrap());
    let reader = shop.with_headers(&[("authorization", &bearer)]);
    let passed = reader.data(LOG, json!({})).await;
    assert!(!passed.to_string().contains("Lovelace"), "{passed:#}");
    let nodes = passed["auditLog"]["nodes"].as_array().unwrap();
    let profile = &nodes.last().unwrap()["changes"][0]["after"]["profile"];
    assert!(profile["person"].as_str().unwrap().starts_with("per_"), "{passed:#}");
    let analyst = shop.operator(&["analyst"]).await;
    assert_eq!(analyst.ask(LOG, json!({})).await["errors"][0]["extensions"]["code"], "FORBIDDEN");

    let head = verify(&shop.platform.store, &shop.platform.chain_key, 1, None).await.unwrap().head.unwrap();
    let me = customer.data("{ me { id } }", json!({})).await;
    let erase = "mutation($id: ID!) { erasePerson(input: {customerId: $id}) { erased } }";
    staff.data(erase, json!({"id": me["me"]["id"]})).await;
    shop.caught_up().await;
    let seen = staff.data(LOG, json!({})).await;
    assert!(!seen.to_string().contains("Lovelace"), "{seen:#}");
    let verified = verify(&shop.platform.store, &shop.platform.chain_key, 1, Some(&head.hash)).await.unwrap();
    assert_eq!(verified.breaks, 0, "{verified}");
    assert!(verified.links > head.number, "the erasure is an entry itself");
}

/// What `emporia audit verify` says, and its exit code.
fn walked(shop: &Installation, further: &[&str]) -> (Option<i32>, Value) {
    let config = shop.config();
    let mut arguments = vec!["audit", "verify", "--json", "--config", config.to_str().unwrap()];
    arguments.extend(further);
    let output = run(&arguments, shop.directory());
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|_| panic!("{}", text(&output.stderr))))
}

fn make_key(shop: &Installation, name: &str) {
    let config = shop.config();
    let arguments =
        ["apikey", "create", "--name", name, "--scope", "orders:read", "--config", config.to_str().unwrap()];
    let output = run(&arguments, shop.directory());
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_wrote_is_linked_by_the_server_and_walked_while_it_works() {
    let shop = Installation::new().await;
    make_key(&shop, "ERP");
    make_key(&shop, "BI");
    // Committed, and nobody has linked it: as after a crash.
    let (code, report) = walked(&shop, &[]);
    assert_eq!((code, &report["waiting"], &report["links"]), (Some(0), &json!(2), &json!(0)), "{report:#}");
    shop.start(None).await;
    let report = waited(Duration::from_secs(20), async || {
        let (code, report) = walked(&shop, &[]);
        assert_eq!(code, Some(0), "{report:#}");
        (report["links"] == 2 && report["waiting"] == 0).then_some(report)
    })
    .await;
    let head = report["head"]["hash"].as_str().unwrap();
    assert_eq!(walked(&shop, &["--head", head, "--from", "2"]).0, Some(0));
    let (code, report) = walked(&shop, &["--head", &"0".repeat(63)]);
    assert_eq!((code, &report["found"][0]["fault"]), (Some(1), &json!("head-gone")), "{report:#}");
    shop.kill();
    let config = shop.config();
    let arguments = ["audit", "log", "--config", config.to_str().unwrap(), "--who", "system/command-line"];
    let log = text(&run(&arguments, shop.directory()).stdout);
    assert!(log.contains("apikey create in customers") && log.contains("(not recorded)"), "{log}");
    assert!(log.find("\"BI\"").unwrap() < log.find("\"ERP\"").unwrap(), "the newest first: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_in_the_file_by_hand_is_found_at_its_place() {
    let shop = Installation::on_files().await;
    for name in ["one", "two", "three", "four"] {
        make_key(&shop, name);
    }
    shop.start(None).await;
    waited(Duration::from_secs(20), async || (walked(&shop, &[]).1["links"] == 4).then_some(())).await;
    shop.kill();
    let file = shop.data_dir().join("commerce.db");
    let found = |tampering: &str| {
        let whole = std::fs::read(&file).unwrap();
        let connection = rusqlite::Connection::open(&file).unwrap();
        connection.execute_batch(tampering).unwrap();
        connection.close().unwrap();
        let (code, report) = walked(&shop, &[]);
        std::fs::write(&file, whole).unwrap();
        assert_eq!(code, Some(1), "{tampering}: {report:#}");
        (report["found"][0]["number"].clone(), report["found"][0]["fault"].clone())
    };
    let (_, clean) = walked(&shop, &[]);
    const ENTRIES: &str = "collection IN (SELECT id FROM collections WHERE name = '_audit')";
    const LINKS: &str = "collection IN (SELECT id FROM collections WHERE name = 'link')";
    let altered = format!("UPDATE documents SET body = replace(body, 'two', 'too') WHERE {ENTRIES}");
    assert_eq!(found(&altered), (json!(2), json!("entry-altered")));
    let removed = format!("DELETE FROM documents WHERE {ENTRIES} AND body LIKE '%three%'");
    assert_eq!(found(&removed), (json!(3), json!("entry-removed")));
    let copied = format!(
        "INSERT INTO documents (collection, partition, sort, version, schema, entries, body) \
         SELECT collection, '00000000-0000-7000-8000-000000000000', sort, version, schema, entries, \
         json_set(body, '$.id', '00000000-0000-7000-8000-000000000000') FROM documents \
         WHERE {ENTRIES} AND body LIKE '%three%'"
    );
    assert_eq!(found(&copied), (Value::Null, json!("entry-unlinked")));
    let cut = format!("DELETE FROM documents WHERE {LINKS} AND sort LIKE '%4'");
    assert_eq!(found(&cut), (Value::Null, json!("entry-unlinked")));
    let gap = format!("DELETE FROM documents WHERE {LINKS} AND sort LIKE '%2'");
    assert_eq!(found(&gap), (json!(2), json!("link-removed")));
    let swapped = format!(
        "UPDATE documents SET sort = 'x' WHERE {LINKS} AND sort LIKE '%2'; \
         UPDATE documents SET sort = '00000000000000000002' WHERE {LINKS} AND sort LIKE '%3'; \
         UPDATE documents SET sort = '00000000000000000003' WHERE {LINKS} AND sort = 'x'"
    );
    assert_eq!(found(&swapped), (json!(2), json!("reordered")));
    let signature = format!(
        "UPDATE documents SET body = json_set(body, '$.signature', 'AAAA') WHERE {LINKS} AND sort LIKE '%3'"
    );
    assert_eq!(found(&signature), (json!(3), json!("forged")));
    let garbage = format!("UPDATE documents SET body = '{{' WHERE {ENTRIES} AND body LIKE '%one%'");
    assert_eq!(found(&garbage), (Value::Null, json!("unreadable")));
    assert_eq!(walked(&shop, &[]).1, clean, "all is as it was");
}
