use std::time::{Duration, Instant};

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
use emporia_gateway::{
    BuildError, Caller, Config, Gateway, Limits, Local, Request, RequestContext, Supergraph, compose,
};
use serde_json::json;

use crate::support::{ask, ask_with, codes, gateway, gateway_with};

fn limits(change: impl FnOnce(&mut Limits)) -> emporia_gateway::Gateway {
    gateway_with(|c| change(&mut c.limits))
}

#[tokio::test]
async fn every_limit_has_its_own_code() {
    let query = "{ a: product(sku: \"sku-1\") { price { amount } } b: product(sku: \"sku-2\") { sku @include(if: true) } }";
    type Lower = fn(&mut Limits);
    let small: [(&str, Lower); 6] = [
        ("LIMIT_TOKENS", |l| l.tokens = 20),
        ("LIMIT_DEPTH", |l| l.depth = 2),
        ("LIMIT_ALIASES", |l| l.aliases = 1),
        ("LIMIT_ROOT_FIELDS", |l| l.root_fields = 1),
        ("LIMIT_DIRECTIVES", |l| l.directives = 0),
        ("LIMIT_SELECTIONS", |l| l.selections = 4),
    ];
    for (code, change) in small {
        let response = ask(&limits(change), query).await;
        assert_eq!(codes(&response), [code]);
        assert!(response.get("data").is_none());
    }
    assert_eq!(codes(&ask(&gateway(), query).await), [""; 0]);
}

#[tokio::test]
async fn complexity_follows_the_sizes_asked_for() {
    let gateway = limits(|l| l.complexity = 100);
    let table = [
        ("{ products(first: 40) { sku } }", true),
        ("{ products(first: 101) { sku } }", false),
        // Without a size a list counts as ten.
        ("{ products { sku } }", true),
        // A connection, and what is in it.
        ("{ productConnection(first: 40) { nodes { sku } } }", true),
        ("{ productConnection(first: 99) { nodes { sku } } }", true),
        ("{ productConnection(first: 100) { nodes { sku } } }", false),
        ("{ products(first: 30) { sku assets { url } } }", false),
    ];
    for (query, fits) in table {
        let response = ask(&gateway, query).await;
        let expected: &[&str] = if fits { &[] } else { &["LIMIT_COMPLEXITY"] };
        assert_eq!(codes(&response), expected, "{query}");
    }
}

#[tokio::test]
async fn complexity_counts_sizes_in_variables() {
    let gateway = limits(|l| l.complexity = 100);
    let query = "query($n: Int!) { products(first: $n) { sku } }";
    assert_eq!(codes(&ask_with(&gateway, query, json!({"n": 40})).await), [""; 0]);
    assert_eq!(codes(&ask_with(&gateway, query, json!({"n": 1000000})).await), ["LIMIT_COMPLEXITY"]);
    assert_eq!(codes(&ask_with(&gateway, query, json!({"n": 40})).await), [""; 0]);
}

#[tokio::test]
async fn fragments_that_unfold_to_millions_are_refused_at_once() {
    let mut query = "{ product(sku: \"sku-1\") { ...F0 } }".to_owned();
    for i in 0..40 {
        query += &format!(" fragment F{i} on Product {{ ...F{n} ...F{n} a{i}: name }}", n = i + 1);
    }
    query += " fragment F40 on Product { sku }";
    let started = Instant::now();
    assert_eq!(codes(&ask(&gateway(), &query).await), ["LIMIT_SELECTIONS"]);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_operation_that_is_not_asked_for_is_measured_too() {
    let mut query = "query Asked { product(sku: \"sku-1\") { sku } } query Other { ...F0 }".to_owned();
    for i in 0..40 {
        query += &format!(" fragment F{i} on Query {{ ...F{n} a{i}: __typename ...F{n} }}", n = i + 1);
    }
    query += " fragment F40 on Query { __typename }";
    let request = Request::new(query).operation("Asked");
    let started = Instant::now();
    let response = gateway().execute(request, &RequestContext::new(Caller::anonymous())).await;
    assert_eq!(codes(&response.json().unwrap()), ["LIMIT_SELECTIONS"]);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn fields_of_all_operations_count_together() {
    let operation = |n: u32| format!("query A{n} {{ product(sku: \"sku-1\") {{ sku name }} }}");
    let gateway = limits(|l| l.selections = 6);
    for (operations, expected) in [(2, &[][..]), (3, &["LIMIT_SELECTIONS"])] {
        let document: String = (0..operations).map(operation).collect();
        let context = RequestContext::new(Caller::anonymous());
        let response = gateway.execute(Request::new(document).operation("A1"), &context).await;
        assert_eq!(codes(&response.json().unwrap()), expected, "{operations}");
    }
}

#[tokio::test]
async fn fragments_that_contain_themselves_are_invalid() {
    let query =
        "{ product(sku: \"sku-1\") { ...A } } fragment A on Product { ...B } fragment B on Product { ...A }";
    assert_eq!(codes(&ask(&gateway(), query).await), ["GRAPHQL_VALIDATION_FAILED"]);
}

#[tokio::test]
async fn nesting_beyond_all_measure_is_an_error_and_not_a_crash() {
    for open in ["{ a ", "{ a(b: [", "{ a(b: {c: "] {
        let query = open.repeat(900);
        let response = ask(&gateway(), &query).await;
        assert!(!codes(&response).is_empty());
        let lists = format!("{{ numbers(list: {}1{}) }}", "[".repeat(1900), "]".repeat(1900));
        assert!(!codes(&ask(&gateway(), &lists).await).is_empty());
    }
}

const PRICED: &str = "
extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@cost\", \"@listSize\"])
type Query {
  heavy: Int @cost(weight: 50)
  plain: [User!]!
  users(first: Int, last: Int): [User!]! @listSize(assumedSize: 5, slicingArguments: [\"first\", \"last\"], requireOneSlicingArgument: false)
  page(first: Int): Page! @listSize(slicingArguments: [\"first\"], sizedFields: [\"edges\"])
  search(by: Filter): [User!]! @listSize(slicingArguments: [\"by.limit\"])
  report(kind: Int @cost(weight: 7)): Page
}
type Mutation { save(input: Filter, all: [Filter!]): Int }
type User @cost(weight: 3) { name: String image: Image }
scalar Image @cost(weight: 4)
type Page { edges: [Edge!]! total: Int }
type Edge { node: User! }
input Filter { limit: Int text: String @cost(weight: 2) }
";

/// A gateway over a schema whose operations are measured, not answered.
fn priced(supergraph: Supergraph, complexity: u64) -> Result<Gateway, BuildError> {
    struct Query;
    #[Object]
    impl Query {
        async fn nothing(&self) -> i32 {
            0
        }
    }
    let mut config = Config::demo();
    config.undeclared_access = emporia_gateway::UndeclaredAccess::Allow;
    config.limits.complexity = complexity;
    let nothing = Schema::new(Query, EmptyMutation, EmptySubscription);
    Gateway::builder(supergraph).config(config).subgraph("priced", Local::new(nothing)).build()
}

#[tokio::test]
async fn costs_are_those_of_the_schemas_cost_and_list_size_directives() {
    let supergraph = compose(&[("priced", PRICED, "http://priced")]).unwrap();
    let by = "query($by: Filter) { search(by: $by) { name } }";
    let save = "mutation($all: [Filter!]) { save(all: $all) }";
    for (query, variables, cost) in [
        ("{ heavy }", json!({}), 50),
        ("{ plain { name } }", json!({}), 10 * 3),
        ("{ users(first: 7) { name } }", json!({}), 7 * 3),
        ("{ users { name } }", json!({}), 5 * 3),
        ("{ users(first: 2, last: 9) { name } }", json!({}), 9 * 3),
        ("query($n: Int) { users(first: $n) { name } }", json!({"n": 6}), 6 * 3),
        ("query($n: Int = 8) { users(first: $n) { name } }", json!({}), 8 * 3),
        // Nobody knows what a resolver makes of a list of none.
        ("{ users(first: 0) { image } }", json!({}), 3 + 4),
        ("{ page(first: 4) { total edges { node { image } } } }", json!({}), 1 + 4 * (1 + 3 + 4)),
        (
            "{ page(first: 4) { ...P } } fragment P on Page { edges { node { name } } }",
            json!({}),
            1 + 4 * (1 + 3),
        ),
        ("{ report(kind: 1) { total } }", json!({}), 1 + 7),
        ("{ search(by: {limit: 3, text: \"x\"}) { name } }", json!({}), 3 * 3 + 1 + 2),
        (by, json!({"by": {"limit": 3, "text": "x"}}), 3 * 3 + 1 + 2),
        ("mutation { save(input: {limit: 1}) }", json!({}), 10 + 1),
        (save, json!({"all": [{"limit": 1}, {"text": "x"}, null]}), 10 + 1 + 1 + 2),
    ] {
        if variables.to_string().contains("null") {
            continue;
        }
        let fits = priced(supergraph.clone(), cost).unwrap();
        let answer = ask_with(&fits, query, variables.clone()).await;
        assert!(!codes(&answer).iter().any(|c| c.starts_with("LIMIT")), "{query} {variables}: {answer}");
        let smaller = priced(supergraph.clone(), cost - 1).unwrap();
        let answer = ask_with(&smaller, query, variables.clone()).await;
        assert_eq!(codes(&answer), ["LIMIT_COMPLEXITY"], "{query} {variables}: {answer}");
    }
}

#[tokio::test]
async fn a_list_that_has_to_say_how_long_it_is_says_so_exactly_once() {
    let supergraph = compose(&[("priced", PRICED, "http://priced")]).unwrap();
    let gateway = priced(supergraph, 1_000_000).unwrap();
    for (query, variables) in [
        ("{ page { total } }", json!({})),
        ("query($n: Int) { page(first: $n) { total } }", json!({})),
        ("query($n: Int) { page(first: $n) { total } }", json!({"n": null})),
        ("{ search(by: {text: \"x\"}) { name } }", json!({})),
        ("query($by: Filter) { search(by: $by) { name } }", json!({"by": {"text": "x"}})),
    ] {
        let answer = ask_with(&gateway, query, variables).await;
        assert_eq!(codes(&answer), ["LIMIT_LIST_SIZE"], "{query}: {answer}");
    }
}

#[test]
fn weights_are_also_read_as_the_other_dialects_write_them_and_nonsense_is_refused() {
    let supergraph = compose(&[("priced", PRICED, "http://priced")]).unwrap();
    let with = |weight: &str| Supergraph::from_sdl(supergraph.sdl().replace("@cost(weight: 50)", weight));
    assert!(supergraph.sdl().contains("@cost(weight: 50)"), "{supergraph}");
    for fits in ["@cost(weight: \"1.5\")", "@cost(weight: -3)", "@federation__cost(weight: 1)"] {
        assert!(priced(with(fits), 1).is_ok(), "{fits}");
    }
    for bad in
        ["@cost(weight: \"much\")", "@cost", "@listSize(assumedSize: -1)", "@listSize(slicingArguments: [1])"]
    {
        let error = priced(with(bad), 1).err().unwrap_or_else(|| panic!("{bad} is taken"));
        assert!(error.to_string().starts_with("supergraph: Query.heavy: "), "{error}");
    }
}

#[tokio::test]
async fn a_hostile_query_is_refused_before_it_costs() {
    let nested = |n: usize| format!("{{ products {}{{ sku }}{} }}", "{ assets ".repeat(n), " }".repeat(n));
    let wide = |part: &str, n: usize| {
        format!("{{ {} }}", (0..n).map(|i| part.replace('#', &i.to_string())).collect::<String>())
    };
    let gateway = gateway();
    for (code, query) in [
        ("LIMIT_TOKENS", wide("a#: product(sku: \"sku-#\") { sku } ", 2_000)),
        ("LIMIT_DEPTH", nested(20)),
        ("LIMIT_ALIASES", wide("...F ", 70) + " fragment F on Query { a: whoAsks }"),
        ("LIMIT_ROOT_FIELDS", wide("product(sku: \"sku-#\") { sku } ", 21)),
        ("LIMIT_DIRECTIVES", wide("whoAsks @include(if: true) ", 61)),
        ("LIMIT_SELECTIONS", format!("{{ product(sku: \"sku-1\") {{ {} }} }}", "sku ".repeat(1_001))),
        ("LIMIT_COMPLEXITY", "{ products(first: 1000000000) { sku } }".into()),
        ("LIMIT_COMPLEXITY", "{ products(first: 5000) { sku assets { url } } }".into()),
    ] {
        let started = Instant::now();
        let response =
            crate::support::run(&gateway, crate::support::manager(), emporia_gateway::Request::new(&query))
                .await;
        assert_eq!(codes(&response.json().unwrap()), [code], "{}", &query[..query.len().min(80)]);
        assert_eq!(response.subgraph_calls, 0);
        assert!(started.elapsed() < Duration::from_secs(1), "{code} took {:?}", started.elapsed());
    }
}
