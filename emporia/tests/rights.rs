//! Who may do what: walked off the supergraph, so that a new field is tested the day it is there.

use async_graphql::parser::{
    parse_schema,
    types::{
        BaseType, FieldDefinition, InputValueDefinition, ServiceDocument, Type, TypeDefinition, TypeKind,
        TypeSystemDefinition,
    },
};
use emporia::graph;
use emporia_customers::roles;
use emporia_testkit::{Emporia, Shopper};
use serde_json::{Value, json};
use std::collections::HashMap;

const CARD: &str = "4242424242424242";

/// The supergraph as a text that can be asked about.
struct Sdl(ServiceDocument);

impl Sdl {
    fn of(shop: &Emporia) -> Self {
        Self(parse_schema(graph::supergraph(&shop.platform).unwrap().sdl()).unwrap())
    }

    fn find(&self, name: &str) -> Option<&TypeDefinition> {
        self.0.definitions.iter().find_map(|definition| match definition {
            TypeSystemDefinition::Type(found) if found.node.name.node == name => Some(&found.node),
            _ => None,
        })
    }

    fn fields(&self, name: &str) -> Vec<&FieldDefinition> {
        match &self.find(name).unwrap().kind {
            TypeKind::Object(object) => object.fields.iter().map(|f| &f.node).collect(),
            _ => panic!("{name} is no object"),
        }
    }

    /// The smallest value of a type; a field of a known name has the known value.
    fn literal(&self, name: &str, ty: &Type, known: &HashMap<&str, String>) -> String {
        if let Some(value) = known.get(name) {
            return value.clone();
        }
        let named = match &ty.base {
            BaseType::List(of) => return format!("[{}]", self.literal(name, of, known)),
            BaseType::Named(named) => named.as_str(),
        };
        match (named, self.find(named).map(|t| &t.kind)) {
            ("Int", _) => "1".into(),
            ("Boolean", _) => "true".into(),
            ("DateTime", _) => "\"2026-01-01T00:00:00Z\"".into(),
            (_, Some(TypeKind::Enum(of))) => of.values[0].node.value.node.to_string(),
            (_, Some(TypeKind::InputObject(of))) => {
                let fields = of
                    .fields
                    .iter()
                    .map(|f| &f.node)
                    .filter(|f| asked_for(f) || known.contains_key(f.name.node.as_str()));
                let field = |f: &InputValueDefinition| {
                    format!("{}: {}", f.name.node, self.literal(f.name.node.as_str(), &f.ty.node, known))
                };
                format!("{{{}}}", fields.map(field).collect::<Vec<_>>().join(", "))
            }
            _ => "\"1\"".into(),
        }
    }

    /// `field(arguments) { __typename }`
    fn selection(&self, field: &FieldDefinition, known: &HashMap<&str, String>) -> String {
        let arguments = field.arguments.iter().map(|a| &a.node).filter(|a| asked_for(a));
        let argument = |a: &InputValueDefinition| {
            format!("{}: {}", a.name.node, self.literal(a.name.node.as_str(), &a.ty.node, known))
        };
        let arguments = arguments.map(argument).collect::<Vec<_>>().join(", ");
        let arguments = if arguments.is_empty() { arguments } else { format!("({arguments})") };
        let mut inner = &field.ty.node.base;
        while let BaseType::List(of) = inner {
            inner = &of.base;
        }
        let BaseType::Named(of) = inner else { unreachable!() };
        let fields = match self.find(of).map(|t| &t.kind) {
            Some(TypeKind::Object(object))
                if object.fields.iter().any(|f| f.node.name.node == "userErrors") =>
            {
                " { __typename userErrors { code } }"
            }
            Some(TypeKind::Object(_)) => " { __typename }",
            _ => "",
        };
        format!("{}{arguments}{fields}", field.name.node)
    }
}

fn asked_for(value: &InputValueDefinition) -> bool {
    !value.ty.node.nullable && value.default_value.is_none()
}

/// What a field declares.
#[derive(Debug, Clone, PartialEq)]
enum Right {
    Public,
    Authenticated,
    Scopes(Vec<Vec<String>>),
}

fn declared(field: &FieldDefinition) -> Vec<Right> {
    let right = |d: &async_graphql::Positioned<async_graphql::parser::types::ConstDirective>| match d
        .node
        .name
        .node
        .as_str()
    {
        "public" => Some(Right::Public),
        "authenticated" => Some(Right::Authenticated),
        "requiresScopes" => {
            let lists = d.node.get_argument("scopes").unwrap().node.clone().into_json().unwrap();
            Some(Right::Scopes(serde_json::from_value(lists).unwrap()))
        }
        _ => None,
    };
    field.directives.iter().filter_map(right).collect()
}

/// The code of the first error of a whole answer.
fn refusal(answer: &Value) -> Option<&str> {
    answer["errors"][0]["extensions"]["code"].as_str()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_root_field_says_who_may_use_it() {
    let shop = Emporia::empty().await;
    let sdl = Sdl::of(&shop);
    let mut wrong = vec![];
    for root in ["Query", "Mutation", "Subscription"] {
        for field in sdl.fields(root) {
            if declared(field).len() != 1 {
                wrong.push(format!("{root}.{}: {:?}", field.name.node, declared(field)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_refuses_who_lacks_the_right_and_nobody_else() {
    let shop = Emporia::small().await;
    let sdl = Sdl::of(&shop);
    let (guest, customer) = (shop.guest().await, shop.customer("ada@example.com").await);
    let mut operators: Vec<(&str, Shopper<'_>)> = vec![];
    for role in ["admin", "merchandiser", "fulfilment", "service", "analyst"] {
        operators.push((role, shop.operator(&[role]).await));
    }
    // What the account itself is for goes on the caller: it would sign him out or erase him.
    let ends_the_caller = ["signOutEverywhere", "eraseMe"];
    let mut scoped = 0;
    for (root, keyword) in [("Query", "query"), ("Mutation", "mutation")] {
        for field in sdl.fields(root) {
            let query = format!("{keyword} {{ {} }}", sdl.selection(field, &HashMap::new()));
            let right = declared(field).remove(0);
            let asked_by_guest = guest.ask(&query, json!({})).await;
            let asked_by_guest = refusal(&asked_by_guest);
            assert_ne!(asked_by_guest, Some("INTERNAL_SERVER_ERROR"), "{query}");
            let lists = match right {
                Right::Public => {
                    assert!(
                        !matches!(asked_by_guest, Some("UNAUTHENTICATED" | "GRAPHQL_VALIDATION_FAILED")),
                        "{query}: {asked_by_guest:?}"
                    );
                    continue;
                }
                Right::Authenticated => {
                    assert_eq!(asked_by_guest, Some("UNAUTHENTICATED"), "{query}");
                    if !ends_the_caller.contains(&field.name.node.as_str()) {
                        let answer = customer.ask(&query, json!({})).await;
                        assert!(
                            !matches!(
                                refusal(&answer),
                                Some("UNAUTHENTICATED" | "FORBIDDEN" | "INTERNAL_SERVER_ERROR")
                            ),
                            "{query}: {answer:#}"
                        );
                    }
                    continue;
                }
                Right::Scopes(lists) => lists,
            };
            scoped += 1;
            assert_eq!(asked_by_guest, Some("UNAUTHENTICATED"), "{query}");
            let answer = customer.ask(&query, json!({})).await;
            assert_eq!(refusal(&answer), Some("FORBIDDEN"), "{query}");
            assert!(answer["data"].is_null(), "{answer:#}");
            for (role, operator) in &operators {
                let has = roles().scopes_of([*role]);
                let may = lists.iter().any(|list| list.iter().all(|scope| has.has(scope)));
                let answer = operator.ask(&query, json!({})).await;
                let code = refusal(&answer);
                assert_ne!(code, Some("INTERNAL_SERVER_ERROR"), "{query} as {role}: {answer:#}");
                assert_eq!(code == Some("FORBIDDEN"), !may, "{query} as {role}: {answer:#}");
            }
        }
    }
    assert!(scoped > 20, "{scoped} fields ask for scopes");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_below_the_root_that_ask_for_scopes_refuse_the_owner_too() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let order = guest.buy(&cart, CARD).await;
    let (id, analyst) = (&order["id"], shop.operator(&["analyst"]).await);
    for path in [
        "order(id: $id) { payments { state } }",
        "order(id: $id) { timeline { actor } }",
        "order(id: $id) { lines { variant { stockLevels { onHand } } } }",
        "order(id: $id) { lines { variant { taxCategory } } }",
        "products(first: 1) { nodes { externalId } }",
        "products(first: 1) { nodes { publishedIn } }",
        "categories { nameTranslations { text } }",
        "products(first: 1) { nodes { variants { stockLevels { onHand } } } }",
    ] {
        let query = if path.contains("$id") {
            format!("query($id: ID!) {{ {path} }}")
        } else {
            format!("{{ {path} }}")
        };
        let variables = if path.contains("$id") { json!({"id": id}) } else { json!({}) };
        let answer = guest.ask(&query, variables.clone()).await;
        assert_eq!(refusal(&answer), Some("UNAUTHENTICATED"), "{query}: {answer:#}");
        let answer = analyst.ask(&query, variables).await;
        assert_eq!(refusal(&answer), None, "{query}: {answer:#}");
    }
    let unpublished = "{ products(includeUnpublished: true) { nodes { id } } }";
    let answer = guest.ask(unpublished, json!({})).await;
    assert!(matches!(refusal(&answer), Some("FORBIDDEN" | "UNAUTHENTICATED")), "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_or_sees_the_cart_checkout_or_order_of_another() {
    let shop = Emporia::small().await;
    let sdl = Sdl::of(&shop);
    let victim = shop.guest().await;
    let bought = victim.cart_with(&[("MUG", 1)]).await;
    let order = victim.buy(&bought, CARD).await;
    let cart = victim.cart_with(&[("BOOK", 2)]).await;
    let checkout = victim.checkout(&cart, "DE").await;
    victim.deliver(&checkout).await;
    victim.pay_with(&checkout, CARD).await;
    let whole = "query($cart: ID!, $checkout: ID!, $order: ID!, $number: String!) { \
                 cart(id: $cart) { state revision lines { id sku quantity } } \
                 checkout(id: $checkout) { state email deliveryOption tenders { paymentId } totals { total { amount } } shippingAddress { line1 } } \
                 order(id: $order) { status email version lines { id cancelled } fulfilments { id } } \
                 orderByNumber(number: $number) { email } }";
    let ids = json!({"cart": cart, "checkout": checkout, "order": order["id"], "number": order["number"]});
    let before = victim.data(whole, ids.clone()).await;
    assert_eq!(before["order"]["email"], "shopper@example.com");
    assert_eq!(before["orderByNumber"]["email"], "shopper@example.com");

    let quoted = |value: &Value| value.to_string();
    let known: HashMap<&str, String> = HashMap::from([
        ("cartId", format!("{cart:?}")),
        ("guestCartId", format!("{cart:?}")),
        ("checkoutId", format!("{checkout:?}")),
        ("orderId", quoted(&order["id"])),
        ("orderLineId", quoted(&order["lines"][0]["id"])),
        ("lineId", quoted(&before["cart"]["lines"][0]["id"])),
        ("lineIds", format!("[{}]", quoted(&before["cart"]["lines"][0]["id"]))),
        ("fulfilmentId", "\"ful_01h455vb4pex5vsknk084sn02q\"".to_owned()),
        ("sku", "\"MUG\"".to_owned()),
        ("email", "\"thief@example.com\"".to_owned()),
        ("countryCode", "\"DE\"".to_owned()),
        ("deliveryOption", "\"standard\"".to_owned()),
        ("cardToken", format!("{:?}", victim.card(CARD).await)),
    ]);
    let (thief, customer) = (shop.guest().await, shop.customer("eve@example.com").await);
    let merchandiser = shop.operator(&["merchandiser"]).await;
    let guessed = shop.with_headers(&[("emporia-guest", "a-guest-token-that-somebody-guessed")]);
    let anonymous = shop.with_headers(&[]);
    let mut tried = 0;
    for field in sdl.fields("Mutation") {
        let query = format!("mutation {{ {} }}", sdl.selection(field, &known));
        if !["cartId", "guestCartId", "checkoutId", "orderId"]
            .iter()
            .any(|name| query.contains(&format!("{name}:")))
        {
            continue;
        }
        tried += 1;
        for who in [&thief, &customer, &merchandiser, &guessed, &anonymous] {
            let answer = who.ask(&query, json!({})).await;
            let payload =
                answer["data"].as_object().and_then(|d| d.values().next()).cloned().unwrap_or_default();
            let code = refusal(&answer).or(payload["userErrors"][0]["code"].as_str());
            assert!(
                matches!(code, Some("NOT_FOUND" | "FORBIDDEN" | "UNAUTHENTICATED")),
                "{query}: {answer:#}"
            );
            let told = answer.to_string();
            assert!(!told.contains("shopper@example.com") && !told.contains("Main Street"), "{answer:#}");
        }
    }
    assert!(tried >= 15, "{tried} mutations take an id");
    for who in [&thief, &customer, &merchandiser, &guessed, &anonymous] {
        let seen = who.ask(whole, ids.clone()).await;
        assert!(seen["data"].as_object().unwrap().values().all(Value::is_null), "{seen:#}");
    }
    assert_eq!(victim.data(whole, ids).await, before, "nothing changed");
    assert!(victim.complete(&checkout).await["order"].is_object(), "and the owner buys it");
}
