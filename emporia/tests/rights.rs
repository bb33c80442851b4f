//! Who may do what: walked off the supergraph, so that a new field is tested the day it is there.

use async_graphql::parser::{
    parse_schema,
    types::{
        BaseType, FieldDefinition, InputValueDefinition, ServiceDocument, Type, TypeDefinition, TypeKind,
        TypeSystemDefinition,
    },
};
use emporia::graph;
use emporia_contracts::{
    Principal,
    context::system_meta,
    inventory::{Inventory, MovementLine, MovementReason, StockFact},
};
use emporia_customers::{Policies, scopes};
use emporia_testkit::{Emporia, Shopper};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

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

    /// `(name: value)` for what has to be told.
    fn arguments(&self, field: &FieldDefinition, known: &HashMap<&str, String>) -> String {
        let arguments = field.arguments.iter().map(|a| &a.node).filter(|a| asked_for(a));
        let argument = |a: &InputValueDefinition| {
            format!("{}: {}", a.name.node, self.literal(a.name.node.as_str(), &a.ty.node, known))
        };
        let arguments = arguments.map(argument).collect::<Vec<_>>().join(", ");
        if arguments.is_empty() { arguments } else { format!("({arguments})") }
    }

    /// `field(arguments) { __typename }`
    fn selection(&self, field: &FieldDefinition, known: &HashMap<&str, String>) -> String {
        let arguments = self.arguments(field, known);
        let fields = match self.find(named(&field.ty.node)).map(|t| &t.kind) {
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
                let has = Policies::built_in().scopes_of([*role]);
                let may = lists
                    .iter()
                    .any(|list| list.iter().all(|scope| scope == scopes::OPERATOR_SELF || has.has(scope)));
                let answer = operator.ask(&query, json!({})).await;
                let code = refusal(&answer);
                assert_ne!(code, Some("INTERNAL_SERVER_ERROR"), "{query} as {role}: {answer:#}");
                assert_eq!(code == Some("FORBIDDEN"), !may, "{query} as {role}: {answer:#}");
            }
        }
    }
    assert!(scoped > 20, "{scoped} fields ask for scopes");
}

/// A field below the roots that asks for scopes, with a way to it.
struct Deep {
    name: String,
    query: String,
    /// What the way and the field ask for together: each is a choice of lists.
    demands: Vec<Vec<Vec<String>>>,
    /// Whether a stranger may go the way.
    open: bool,
}

impl Sdl {
    /// Every object type that a root leads to, by the way that asks for least.
    fn ways(&self) -> BTreeMap<String, Vec<(&'static str, &FieldDefinition)>> {
        let mut ways: BTreeMap<String, Vec<(&'static str, &FieldDefinition)>> = BTreeMap::new();
        for public_only in [true, false] {
            let mut next: VecDeque<(String, Vec<(&'static str, &FieldDefinition)>)> = VecDeque::new();
            next.extend([("Query".into(), vec![]), ("Mutation".into(), vec![])]);
            next.extend(ways.iter().map(|(ty, way)| (ty.clone(), way.clone())));
            while let Some((ty, way)) = next.pop_front() {
                for field in self.fields(&ty) {
                    let asks = |right: &Right| matches!(right, Right::Authenticated | Right::Scopes(_));
                    if public_only && declared(field).iter().any(asks) {
                        continue;
                    }
                    let to = named(&field.ty.node);
                    let object = matches!(self.find(to).map(|t| &t.kind), Some(TypeKind::Object(_)));
                    if !object || ways.contains_key(to) {
                        continue;
                    }
                    let root =
                        way.first().map_or(if ty == "Mutation" { "mutation" } else { "query" }, |w| w.0);
                    let further: Vec<_> = way.iter().copied().chain([(root, field)]).collect();
                    ways.insert(to.to_owned(), further.clone());
                    next.push_back((to.to_owned(), further));
                }
            }
        }
        ways
    }

    /// Every field below the roots that asks for scopes.
    fn deep(&self) -> Vec<Deep> {
        let ways = self.ways();
        let (mut found, mut unreachable) = (vec![], vec![]);
        for definition in &self.0.definitions {
            let TypeSystemDefinition::Type(ty) = definition else { continue };
            let name = ty.node.name.node.as_str();
            let TypeKind::Object(object) = &ty.node.kind else { continue };
            if ["Query", "Mutation", "Subscription"].contains(&name) {
                continue;
            }
            for field in object.fields.iter().map(|f| &f.node) {
                let scopes = |field: &FieldDefinition| {
                    declared(field).into_iter().filter_map(|right| match right {
                        Right::Scopes(lists) => Some(lists),
                        _ => None,
                    })
                };
                if scopes(field).next().is_none() {
                    continue;
                }
                let Some(way) = ways.get(name) else {
                    unreachable.push(format!("{name}.{}", field.name.node));
                    continue;
                };
                let none = HashMap::new();
                let inner = self.selection(field, &none);
                let nested = way.iter().rev().fold(inner, |inner, (_, step)| {
                    format!("{}{} {{ {inner} }}", step.name.node, self.arguments(step, &none))
                });
                let fields = || way.iter().map(|(_, step)| *step).chain([field]);
                found.push(Deep {
                    name: format!("{name}.{}", field.name.node),
                    query: format!("{} {{ {nested} }}", way[0].0),
                    demands: fields().flat_map(scopes).collect(),
                    open: way.iter().all(|(_, step)| declared(step).iter().all(|r| *r == Right::Public)),
                });
            }
        }
        assert!(unreachable.is_empty(), "nothing leads to {unreachable:?}");
        found
    }
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::List(of) => named(of),
        BaseType::Named(name) => name.as_str(),
    }
}

/// Whether these scopes satisfy every demand.
fn may(demands: &[Vec<Vec<String>>], has: impl Fn(&str) -> bool) -> bool {
    demands.iter().all(|lists| lists.iter().any(|list| list.iter().all(|scope| has(scope))))
}

/// Whether a key can hold it, and for the whole shop: not what concerns an operator's own account, nor what lets in whoever
/// holds it somewhere.
fn everywhere(scope: &str) -> bool {
    scope != scopes::OPERATOR_SELF && !scope.ends_with("@place")
}

/// Another system that holds these scopes.
async fn service<'a>(shop: &'a Emporia, scopes: &[String]) -> Shopper<'a> {
    let (granter, meta) = (Principal::System("test".into()), system_meta("test", "test", None));
    let made = shop.platform.customers.create_api_key("Test", scopes, None, &granter, &meta).await.unwrap();
    shop.with_headers(&[("authorization", &format!("Bearer {}", made.secret))])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_below_the_roots_refuses_who_lacks_the_right_and_nobody_else() {
    let shop = Emporia::small().await;
    let sdl = Sdl::of(&shop);
    let deep = sdl.deep();
    assert!(deep.len() >= 10, "{} fields below the roots ask for scopes", deep.len());
    let (guest, customer) = (shop.guest().await, shop.customer("ada@example.com").await);
    let mut without = vec![];
    for missing in scopes::ALL {
        let others: Vec<String> =
            scopes::ALL.iter().filter(|scope| *scope != missing).map(|s| (*s).to_owned()).collect();
        without.push((*missing, service(&shop, &others).await));
    }
    for Deep { name, query, demands, open } in &deep {
        let asked = guest.ask(query, json!({})).await;
        assert_eq!(refusal(&asked), Some("UNAUTHENTICATED"), "{name}: {query}: {asked:#}");
        assert!(asked["data"].is_null() && (*open || !demands.is_empty()), "{name}: {asked:#}");
        let asked = customer.ask(query, json!({})).await;
        assert_eq!(refusal(&asked), Some("FORBIDDEN"), "{name}: {query}: {asked:#}");
        for (missing, who) in &without {
            let expected = may(demands, |scope| everywhere(scope) && scope != *missing);
            let asked = who.ask(query, json!({})).await;
            let code = refusal(&asked);
            assert_ne!(code, Some("INTERNAL_SERVER_ERROR"), "{name} without {missing}: {asked:#}");
            assert_eq!(code != Some("FORBIDDEN"), expected, "{name} without {missing}: {query}: {asked:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_exactly_what_its_scopes_say() {
    let shop = Emporia::small().await;
    let sdl = Sdl::of(&shop);
    let mut without = vec![];
    for missing in scopes::ALL {
        let others: Vec<String> =
            scopes::ALL.iter().filter(|scope| *scope != missing).map(|s| (*s).to_owned()).collect();
        without.push((*missing, service(&shop, &others).await));
    }
    let mut asked_for = BTreeSet::new();
    for (root, keyword) in [("Query", "query"), ("Mutation", "mutation")] {
        for field in sdl.fields(root) {
            let Right::Scopes(lists) = declared(field).remove(0) else { continue };
            let query = format!("{keyword} {{ {} }}", sdl.selection(field, &HashMap::new()));
            let demands = vec![lists.clone()];
            // What concerns an operator's own account is none of a service's.
            for list in lists.iter().filter(|list| list.iter().all(|scope| everywhere(scope))) {
                asked_for.extend(list.iter().cloned());
                let answer = service(&shop, list).await.ask(&query, json!({})).await;
                let code = refusal(&answer);
                assert!(
                    !matches!(code, Some("FORBIDDEN" | "UNAUTHENTICATED" | "INTERNAL_SERVER_ERROR")),
                    "{query} with {list:?}: {answer:#}"
                );
            }
            for (missing, who) in &without {
                let expected = may(&demands, |scope| everywhere(scope) && scope != *missing);
                let answer = who.ask(&query, json!({})).await;
                assert_eq!(
                    refusal(&answer) != Some("FORBIDDEN"),
                    expected,
                    "{query} without {missing}: {answer:#}"
                );
            }
        }
    }
    let deep = sdl.deep().into_iter().flat_map(|deep| deep.demands).flatten().flatten();
    asked_for.extend(deep.filter(|scope| everywhere(scope)));
    let all: BTreeSet<String> = scopes::ALL.iter().map(|s| (*s).to_owned()).collect();
    let unknown: Vec<_> = asked_for.difference(&all).collect();
    assert!(unknown.is_empty(), "the schema asks for scopes that nobody can hold: {unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_operators_may_see_of_an_order_is_kept_from_its_owner() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let order = guest.buy(&cart, CARD).await;
    let (id, analyst) = (&order["id"], shop.operator(&["analyst"]).await);
    for path in ["payments { state }", "timeline { actor }", "lines { variant { stockLevels { onHand } } }"] {
        let query = format!("query($id: ID!) {{ order(id: $id) {{ {path} }} }}");
        let answer = guest.ask(&query, json!({"id": id})).await;
        assert_eq!(refusal(&answer), Some("UNAUTHENTICATED"), "{query}: {answer:#}");
        let answer = analyst.ask(&query, json!({"id": id})).await;
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

/// Fields that ask for a right which can only be held for the whole shop, and why what they are about has no place.
const OF_THE_WHOLE_SHOP: &[(&str, &str)] = &[
    ("Query.apiKeys", "a key is of the installation"),
    ("Query.auditLog", "the log is of the installation"),
    ("Query.customer", "a customer is the same everywhere"),
    ("Query.payment", "a payment knows no channel"),
    ("Query.stuckCheckouts", "whoever runs the shop looks after what is stuck"),
    ("Query.stuckPayments", "whoever runs the shop looks after what is stuck"),
    ("Query.taxRates", "tax is of a country"),
    ("Mutation.createApiKey", "it grants; what is granted may have a place"),
    ("Mutation.revokeApiKey", "a key is of the installation"),
    ("Mutation.createOperator", "it grants; what is granted may have a place"),
    ("Mutation.createProduct", "the catalogue is one for all channels"),
    ("Mutation.updateProduct", "the catalogue is one for all channels"),
    ("Mutation.publishProduct", "the catalogue is one for all channels"),
    ("Mutation.unpublishProduct", "the catalogue is one for all channels"),
    ("Mutation.defineCategory", "the catalogue is one for all channels"),
    ("Mutation.defineProductType", "the catalogue is one for all channels"),
    ("Mutation.defineTaxRate", "tax is of a country"),
    ("Mutation.erasePerson", "a person is the same everywhere"),
    ("Mutation.exportPerson", "a person is the same everywhere"),
    ("Mutation.refundPayment", "a payment knows no channel"),
    ("Mutation.retryPayment", "whoever runs the shop looks after what is stuck"),
    ("Mutation.retryCheckout", "whoever runs the shop looks after what is stuck"),
    ("Mutation.startSecondFactor", "it is the caller's own account"),
    ("Mutation.confirmSecondFactor", "it is the caller's own account"),
    ("Mutation.removeSecondFactor", "it is the caller's own account"),
];

/// What becomes of a question about another place.
#[derive(Clone, Copy, PartialEq)]
enum Elsewhere {
    Refused,
    Empty,
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_right_at_a_place_uses_it_there_and_nowhere_else() {
    let shop = Emporia::small().await;
    let sdl = Sdl::of(&shop);
    let guest = shop.guest().await;
    let order = guest.buy(&guest.cart_with(&[("MUG", 3)]).await, CARD).await;
    shop.caught_up().await;
    let (id, line) = (&order["id"], &order["lines"][0]["id"]);
    let admin = shop.operator(&["admin"]).await;
    let make = "mutation($id: ID!, $line: ID!) { createFulfilment(input: {orderId: $id, location: \"warehouse\", \
                lines: [{orderLineId: $line, quantity: 1}]}) { fulfilment { id } userErrors { message } } }";
    let made = admin.data(make, json!({"id": id, "line": line})).await;
    let fulfilment = &made["createFulfilment"]["fulfilment"]["id"];
    assert!(fulfilment.is_string(), "{made:#}");

    // More was sold there than there was: somebody has to count.
    let sold = StockFact {
        external_id: "till-1".parse().unwrap(),
        location: "warehouse".parse().unwrap(),
        reason: MovementReason::Sale,
        lines: vec![MovementLine { sku: "LAST-ONE".parse().unwrap(), delta: -9 }],
        at: shop.platform.store.clock().now(),
        meta: system_meta("test", "test", None),
    };
    shop.platform.inventory.record(sold).await.unwrap();
    let (channel, location) = (("channel:eu", "channel:us"), ("location:warehouse", "location:store"));
    let (both, channels, locations) = (vec![channel, location], vec![channel], vec![location]);
    let of = format!("{{orderId: {id}, fulfilmentId: {fulfilment}}}");
    let placed: Vec<(&str, String, Vec<_>, Elsewhere)> = vec![
        ("Query.priceSchedule", "(sku: \"MUG\") { unit { amount } }".into(), channels.clone(), Elsewhere::Refused),
        ("Query.stockLevels", String::new(), vec![], Elsewhere::Empty),
        ("Query.openCountTasks", " { sku }".into(), locations.clone(), Elsewhere::Empty),
        ("Query.orders", " { nodes { id email } }".into(), both.clone(), Elsewhere::Empty),
        (
            "Mutation.setPrice",
            "(input: {sku: \"MUG\", unit: \"8.00\"}) { userErrors { code } }".into(),
            channels.clone(),
            Elsewhere::Refused,
        ),
        (
            "Mutation.setPrices",
            "(input: {prices: [{sku: \"MUG\", unit: \"9.00\"}]}) { userErrors { code } }".into(),
            channels.clone(),
            Elsewhere::Refused,
        ),
        (
            "Mutation.defineChannel",
            "(input: {key: \"eu\", name: \"Europe\", currencyCode: \"EUR\", countries: [\"DE\"], defaultLocale: \"en\", \
             locales: [\"en\"], priceKind: GROSS, orderPrefix: \"EU\", stockPool: [\"warehouse\", \"store\"], timeZone: \"UTC\"}) \
             { userErrors { code } }"
                .into(),
            channels.clone(),
            Elsewhere::Refused,
        ),
        (
            "Mutation.defineDeliveryOption",
            "(input: {key: \"slow\", name: \"Slow\", taxCategory: \"shipping\", minDays: 5, maxDays: 9, \
             rates: [{from: \"0\", charge: \"1\"}]}) { __typename }"
                .into(),
            channels,
            Elsewhere::Refused,
        ),
        (
            "Mutation.defineLocation",
            "(input: {key: \"warehouse\", kind: WAREHOUSE, name: \"W\", countryCode: \"DE\"}) { __typename }".into(),
            locations.clone(),
            Elsewhere::Refused,
        ),
        (
            "Mutation.setStockLevel",
            "(input: {sku: \"BOOK\", location: \"warehouse\", onHand: 900}) { userErrors { code } }".into(),
            locations,
            Elsewhere::Refused,
        ),
        (
            "Mutation.createFulfilment",
            format!("(input: {{orderId: {id}, location: \"warehouse\"}}) {{ userErrors {{ code }} }}"),
            both.clone(),
            Elsewhere::Refused,
        ),
        (
            "Mutation.shipFulfilment",
            format!("(input: {of}) {{ userErrors {{ code }} }}"),
            both.clone(),
            Elsewhere::Refused,
        ),
        (
            "Mutation.deliverFulfilment",
            format!("(input: {of}) {{ userErrors {{ code }} }}"),
            both.clone(),
            Elsewhere::Refused,
        ),
        (
            "Mutation.cancelFulfilment",
            format!("(input: {of}) {{ userErrors {{ code }} }}"),
            both.clone(),
            Elsewhere::Refused,
        ),
        (
            "Mutation.recordReturn",
            format!(
                "(input: {{externalId: \"r1\", orderId: {id}, location: \"warehouse\", lines: [{{orderLineId: {line}, \
                 sku: \"MUG\", quantity: 1, condition: RESTOCK}}]}}) {{ userErrors {{ code }} }}"
            ),
            both,
            Elsewhere::Refused,
        ),
        (
            "Mutation.cancelOrder",
            format!("(input: {{orderId: {id}, reason: \"gone\"}}) {{ userErrors {{ code }} }}"),
            vec![channel],
            Elsewhere::Refused,
        ),
    ];

    // Every field has chosen.
    for root in ["Query", "Mutation"] {
        for field in sdl.fields(root) {
            let Right::Scopes(lists) = declared(field).remove(0) else { continue };
            let name = format!("{root}.{}", field.name.node);
            let has_place = lists.iter().flatten().any(|scope| scope.ends_with("@place"));
            let tried = placed.iter().any(|(tried, ..)| *tried == name);
            let whole = OF_THE_WHOLE_SHOP.iter().any(|(whole, _)| *whole == name);
            assert_eq!(
                (has_place, !has_place),
                (tried, whole),
                "{name}: say whether it has a place, and why not"
            );
        }
    }
    let mut at = HashMap::new();
    for place in [channel.0, channel.1, location.0, location.1] {
        at.insert(place, shop.operator(&[&format!("admin@{place}")]).await);
    }
    for (name, _) in OF_THE_WHOLE_SHOP {
        let (root, name) = name.split_once('.').unwrap();
        let fields = sdl.fields(root);
        let field = fields.iter().find(|field| field.name.node == name);
        let Some(field) = field else { panic!("there is no {root}.{name}") };
        let Right::Scopes(lists) = declared(field).remove(0) else { panic!("{name} asks for no right") };
        if lists.iter().flatten().any(|scope| scope == scopes::OPERATOR_SELF) {
            continue;
        }
        let query = format!("{} {{ {} }}", root.to_lowercase(), sdl.selection(field, &HashMap::new()));
        for (place, staff) in &at {
            let answer = staff.ask(&query, json!({})).await;
            assert_eq!(refusal(&answer), Some("FORBIDDEN"), "{query} at {place}: {answer:#}");
        }
    }
    let empty = |answer: &Value| {
        let listed = answer["data"].as_object().unwrap().values().next().unwrap();
        let nodes = listed.get("nodes").unwrap_or(listed);
        nodes.as_array().unwrap().is_empty()
    };
    for (name, rest, places, elsewhere) in &placed {
        let (root, field) = name.split_once('.').unwrap();
        let query = format!("{} {{ {field}{rest} }}", root.to_lowercase());
        for (here, there) in places {
            let answer = at[there].ask(&query, json!({})).await;
            match elsewhere {
                Elsewhere::Refused => {
                    assert_eq!(refusal(&answer), Some("FORBIDDEN"), "{query} at {there}: {answer:#}");
                }
                Elsewhere::Empty => assert!(empty(&answer), "{query} at {there}: {answer:#}"),
            }
            let answer = at[here].ask(&query, json!({})).await;
            assert_eq!(refusal(&answer), None, "{query} at {here}: {answer:#}");
            assert!(*elsewhere == Elsewhere::Refused || !empty(&answer), "{query} at {here}: {answer:#}");
        }
    }
    let levels = "{ stockLevels(skus: [\"MUG\"]) { location } }";
    for (_, key) in [location.0, location.1].map(|place| place.split_once(':').unwrap()) {
        let seen = at[format!("location:{key}").as_str()].data(levels, json!({})).await;
        assert_eq!(seen["stockLevels"], json!([{ "location": key }]));
    }
    // What is reached without a right of its own follows the same rule.
    let seen = "query($id: ID!) { order(id: $id) { email fulfilments { id } } }";
    for (here, there) in [channel, location] {
        let answer = at[here].data(seen, json!({"id": id})).await;
        assert_eq!(answer["order"]["email"], "shopper@example.com", "{here}: {answer:#}");
        let answer = at[there].data(seen, json!({"id": id})).await;
        assert!(answer["order"].is_null(), "{there}: {answer:#}");
    }
    let deep = "query($id: ID!) { order(id: $id) { lines { variant { stockLevels { location } } } } }";
    let found = at[location.0].data(deep, json!({"id": id})).await;
    assert_eq!(found["order"]["lines"][0]["variant"]["stockLevels"], json!([{"location": "warehouse"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_at_a_place_asks_there_and_nowhere_else() {
    let shop = Emporia::small().await;
    let key =
        service(&shop, &["stock:read@location:store".to_owned(), "stock:write@location:store".to_owned()])
            .await;
    let query = "{ stockLevels(skus: [\"MUG\"]) { location } }";
    assert_eq!(key.data(query, json!({})).await["stockLevels"], json!([{"location": "store"}]));
    let set = |location: &str| {
        format!(
            "mutation {{ setStockLevel(input: {{sku: \"MUG\", location: {location:?}, onHand: 4}}) {{ userErrors {{ code }} }} }}"
        )
    };
    assert_eq!(refusal(&key.ask(&set("store"), json!({})).await), None);
    assert_eq!(refusal(&key.ask(&set("warehouse"), json!({})).await), Some("FORBIDDEN"));
}
