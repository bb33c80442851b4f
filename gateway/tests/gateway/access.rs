use async_graphql::Variables;
use emporia_gateway::{
    Access, AccessError, AuthMode, BuildError, Caller, Config, FetchOp, Gateway, Local, Outcome, Request,
    SubResponse, Subgraph, Supergraph, UndeclaredAccess, compose,
};
use futures_util::{future::BoxFuture, stream::BoxStream};
use serde_json::{Value, json};

use crate::support::{self, codes, gateway, manager, run};

const ORDERS: &str = "{ orders { id } }";

fn signed_in() -> Caller {
    Caller::with_scopes::<String>([])
}

async fn refused(caller: Caller, query: &str) -> Value {
    let response = run(&gateway(), caller, Request::new(query)).await;
    assert_eq!(response.outcome, Outcome::Refused, "{query}");
    assert_eq!(response.subgraph_calls, 0, "nothing may run: {query}");
    response.json().unwrap()
}

async fn allowed(caller: Caller, query: &str) {
    let response = run(&gateway(), caller, Request::new(query)).await;
    assert!(response.errors.is_empty(), "{query}: {:?}", response.errors);
}

#[tokio::test]
async fn a_public_field_is_open_to_everybody() {
    allowed(Caller::anonymous(), "{ products(first: 1) { name } }").await;
}

#[tokio::test]
async fn an_authenticated_field_needs_a_known_caller() {
    let query = "{ order(id: \"1\") { id } }";
    let response = refused(Caller::anonymous(), query).await;
    assert_eq!(codes(&response), ["UNAUTHENTICATED"]);
    assert_eq!(response["errors"][0]["path"], json!(["order"]));
    assert!(response.get("data").is_none());
    allowed(signed_in(), query).await;
}

#[tokio::test]
async fn a_scoped_field_needs_the_scopes() {
    assert_eq!(codes(&refused(Caller::anonymous(), ORDERS).await), ["UNAUTHENTICATED"]);
    assert_eq!(codes(&refused(signed_in(), ORDERS).await), ["FORBIDDEN"]);
    assert_eq!(codes(&refused(Caller::with_scopes(["orders:write"]), ORDERS).await), ["FORBIDDEN"]);
    allowed(Caller::with_scopes(["orders:read"]), ORDERS).await;
}

#[tokio::test]
async fn a_nested_field_can_be_stricter_than_the_way_to_it() {
    for query in [
        "{ product(sku: \"sku-1\") { m: margin } }",
        "{ product(sku: \"sku-1\") { ... on Product { m: margin } } }",
        "{ product(sku: \"sku-1\") { ...F } } fragment F on Product { m: margin }",
    ] {
        let response = refused(signed_in(), query).await;
        assert_eq!(codes(&response), ["FORBIDDEN"], "{query}");
        assert_eq!(response["errors"][0]["path"], json!(["product", "m"]), "{query}");
        allowed(manager(), query).await;
    }
}

#[tokio::test]
async fn one_refused_field_refuses_the_whole_operation() {
    let response = refused(signed_in(), "{ products(first: 1) { name } orders { id } }").await;
    assert!(response.get("data").is_none());
}

#[tokio::test]
async fn an_interface_is_as_strict_as_its_strictest_implementation() {
    let query = "{ product(sku: \"sku-1\") { assets { licence } } }";
    assert_eq!(codes(&refused(Caller::anonymous(), query).await), ["UNAUTHENTICATED"]);
    allowed(signed_in(), query).await;
    allowed(Caller::anonymous(), "{ product(sku: \"sku-1\") { assets { url ... on Picture { licence } } } }")
        .await;
    let film = "{ product(sku: \"sku-1\") { assets { ... on Film { licence } } } }";
    assert_eq!(codes(&refused(Caller::anonymous(), film).await), ["UNAUTHENTICATED"]);
}

#[tokio::test]
async fn a_field_that_is_skipped_is_not_refused() {
    let query =
        "query($in: Boolean!) { products(first: 1) { name } order(id: \"1\") @include(if: $in) { id } }";
    let ask = async |value: bool| {
        let request = Request::new(query).variables(json!({"in": value}));
        run(&gateway(), Caller::anonymous(), request).await
    };
    assert_eq!(ask(false).await.outcome, Outcome::Ok);
    assert_eq!(ask(true).await.outcome, Outcome::Refused);
}

#[tokio::test]
async fn a_field_included_twice_is_refused_when_either_counts() {
    let query = "query($a: Boolean!, $b: Boolean!) { order(id: \"1\") @include(if: $a) { id } order(id: \"1\") @include(if: $b) { id } }";
    for (a, b, outcome) in
        [(true, false, Outcome::Refused), (false, true, Outcome::Refused), (false, false, Outcome::Ok)]
    {
        let request = Request::new(query).variables(json!({"a": a, "b": b}));
        assert_eq!(run(&gateway(), Caller::anonymous(), request).await.outcome, outcome, "{a} {b}");
    }
}

#[tokio::test]
async fn a_null_condition_is_no_way_around() {
    for (default, directive) in [("false", "skip"), ("true", "include")] {
        let query = format!(
            "query($p: Boolean = {default}) {{ __typename order(id: \"1\") @{directive}(if: $p) {{ id }} }}"
        );
        for variables in [json!({"p": null}), json!({})] {
            let response =
                run(&gateway(), Caller::anonymous(), Request::new(&query).variables(variables)).await;
            let data = response.json().unwrap()["data"]["order"].clone();
            assert!(data.is_null(), "{query}: {data}");
            let reached = response.outcome != Outcome::Refused && response.subgraph_calls > 0;
            assert!(!reached, "{query} reached a subgraph");
        }
    }
}

#[tokio::test]
async fn mutations_and_subscriptions_are_guarded_alike() {
    let mutation = "mutation { placeOrder(input: {skus: [\"sku-1\"]}) { id } }";
    assert_eq!(codes(&refused(Caller::anonymous(), mutation).await), ["UNAUTHENTICATED"]);
    assert_eq!(codes(&refused(Caller::with_scopes(["orders:read"]), mutation).await), ["FORBIDDEN"]);
    let context = emporia_gateway::RequestContext::new(Caller::anonymous());
    let stream = gateway().stream(Request::new("subscription { orderUpdated { id } }"), context).await;
    let response = stream.err().expect("refused").json().unwrap();
    assert_eq!(codes(&response), ["UNAUTHENTICATED"]);
}

/// The sample catalog, with one root field that says nothing.
fn forgetful() -> (String, Supergraph) {
    let sdl = support::sdl(&support::catalog::schema()).replacen(
        "pick(by: Pick!): String! @public",
        "pick(by: Pick!): String!",
        1,
    );
    let supergraph = compose(&[("catalog", &sdl, "http://catalog")]).unwrap();
    (sdl, supergraph)
}

fn build(supergraph: Supergraph, undeclared_access: UndeclaredAccess) -> Result<Gateway, BuildError> {
    Gateway::builder(supergraph)
        .config(Config { undeclared_access, ..Config::demo() })
        .subgraph("catalog", Local::new(support::catalog::schema()))
        .build()
}

#[tokio::test]
async fn a_gateway_does_not_start_with_a_root_field_nobody_thought_about() {
    match build(forgetful().1, UndeclaredAccess::RefuseToStart).err() {
        Some(BuildError::Access(AccessError::Undeclared { fields })) => assert_eq!(fields, ["Query.pick"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_undeclared_root_field_is_refused_for_everybody() {
    let gateway = build(forgetful().1, UndeclaredAccess::Deny).unwrap();
    for caller in [Caller::anonymous(), manager()] {
        let response = run(&gateway, caller, Request::new("{ pick(by: {number: 1}) }")).await;
        assert_eq!(codes(&response.json().unwrap()), ["FORBIDDEN"]);
    }
    let open = build(forgetful().1, UndeclaredAccess::Allow).unwrap();
    let response = run(&open, Caller::anonymous(), Request::new("{ pick(by: {number: 1}) }")).await;
    assert_eq!(response.json().unwrap()["data"], json!({"pick": "number 1"}));
}

#[tokio::test]
async fn a_subgraph_checks_again_what_reaches_it() {
    let sdl = support::sdl(&support::orders::schema());
    let access = Access::from_sdl(&sdl, UndeclaredAccess::RefuseToStart).unwrap();
    let check = |query: &str, caller: Caller| {
        access.of_text(query, None).unwrap().check(&caller, &Default::default())
    };
    assert!(check("{orders{id}}", Caller::with_scopes(["orders:read"])).is_ok());
    assert!(check("{orders{id}}", signed_in()).is_err());
    assert!(check("{__typename _service{sdl}}", Caller::anonymous()).is_ok());

    let catalog =
        Access::from_sdl(&support::sdl(&support::catalog::schema()), UndeclaredAccess::RefuseToStart)
            .unwrap();
    let entities = "query($r:[_Any!]!){_entities(representations:$r){...on Product{margin}}}";
    let check = |caller: Caller| catalog.of_text(entities, None).unwrap().check(&caller, &Default::default());
    assert!(check(signed_in()).is_err());
    assert!(check(manager()).is_ok());
}

#[test]
fn declarations_that_contradict_each_other_do_not_compose() {
    let sdl = "type Query { a: Int @public @authenticated }";
    assert!(matches!(
        Access::from_sdl(sdl, UndeclaredAccess::Deny),
        Err(AccessError::Contradiction { field }) if field == "Query.a"
    ));
    for scopes in ["[]", "[[]]", "\"a\"", "[\"a\"]"] {
        let sdl = format!("type Query {{ a: Int @requiresScopes(scopes: {scopes}) }}");
        assert!(
            matches!(Access::from_sdl(&sdl, UndeclaredAccess::Deny), Err(AccessError::BadScopes { .. })),
            "{scopes}"
        );
    }
}

#[test]
fn scopes_are_a_choice_of_lists() {
    let sdl = "type Query { a: Int @requiresScopes(scopes: [[\"read\", \"eu\"], [\"admin\"]]) }";
    let access = Access::from_sdl(sdl, UndeclaredAccess::RefuseToStart).unwrap();
    let requirement = access.requirement("Query", "a").unwrap();
    for (scopes, allowed) in
        [(vec!["read"], false), (vec!["read", "eu"], true), (vec!["admin"], true), (vec![], false)]
    {
        assert_eq!(requirement.check(&Caller::with_scopes(scopes.clone())).is_ok(), allowed, "{scopes:?}");
    }
}

/// Answers nothing: a test that calls it has failed.
struct NeverAsked;

impl Subgraph for NeverAsked {
    fn execute<'a>(
        &'a self,
        operation: &'a FetchOp,
        _: Variables,
        _: &'a Caller,
    ) -> BoxFuture<'a, SubResponse> {
        panic!("asked for {}", operation.text)
    }
    fn subscribe(&self, operation: &FetchOp, _: Variables, _: &Caller) -> BoxStream<'static, SubResponse> {
        panic!("asked for {}", operation.text)
    }
}

#[tokio::test]
async fn what_a_field_reads_along_the_way_is_demanded_of_the_caller_too() {
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\", import: [\"@key\", \"@external\", \"@requires\"])";
    let catalog = format!(
        "{link} type Query {{ product: Product @public }} type Product @key(fields: \"sku\") {{ sku: ID! weight: Int @authenticated }}"
    );
    let parcels = format!(
        "{link} type Product @key(fields: \"sku\") {{ sku: ID! weight: Int @external postage: Int @requires(fields: \"weight\") }}"
    );
    let supergraph =
        compose(&[("catalog", &catalog, "http://a"), ("parcels", &parcels, "http://b")]).unwrap();
    let gateway = Gateway::builder(supergraph)
        .config(Config::demo())
        .subgraph("catalog", NeverAsked)
        .subgraph("parcels", NeverAsked)
        .build()
        .unwrap();
    let query = "query($p: Boolean! = true) { product { sku postage @include(if: $p) } }";
    let response = run(&gateway, Caller::anonymous(), Request::new(query)).await;
    assert_eq!(codes(&response.json().unwrap()), ["UNAUTHENTICATED"]);
    let left_out =
        run(&gateway, Caller::anonymous(), Request::new(query).variables(json!({"p": false}))).await;
    assert_eq!(left_out.subgraph_calls, 1, "nothing protected is read: {:?}", left_out.errors);
}

#[test]
fn a_text_too_large_to_be_judged_is_refused_at_a_subgraph() {
    let mut query = "{ ...F0 }".to_owned();
    for i in 0..40 {
        query += &format!(" fragment F{i} on Query {{ ...F{n} ...F{n} }}", n = i + 1);
    }
    query += " fragment F40 on Query { warehouses }";
    let access =
        Access::from_sdl(&support::sdl(&support::stock::schema()), UndeclaredAccess::RefuseToStart).unwrap();
    let errors = access.of_text(&query, None).unwrap().check(&manager(), &Default::default()).unwrap_err();
    assert_eq!(errors[0].code(), Some("FORBIDDEN"));
}

/// A graph of one subgraph, whose fields take some kinds of credentials.
fn moded() -> Gateway {
    let sdl = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.6\", import: [\"@authenticated\", \"@policy\"])
        type Query {
          anybody: Int @public
          known: Int @authenticated
          systems: Int @authModes(modes: [\"API_KEY\"])
          people: Int @authenticated @authModes(modes: [\"SESSION\", \"OIDC\"])
          trusted: Int @policy(policies: [[\"staff\", \"eu\"], [\"root\"]])
          nested: Nested @public
        }
        type Nested { open: Int secret: Int @authModes(modes: [\"SESSION\"]) }";
    let supergraph = compose(&[("one", sdl, "http://one")]).unwrap();
    // What is composed says the same as what was written, to whoever reads the supergraph.
    assert!(supergraph.sdl().contains("@authModes(modes: [\"SESSION\", \"OIDC\"])"), "{}", supergraph.sdl());
    Gateway::builder(supergraph).config(Config::demo()).subgraph("one", Ones).build().unwrap()
}

/// Answers that everything is one.
struct Ones;

impl Subgraph for Ones {
    fn execute<'a>(
        &'a self,
        operation: &'a FetchOp,
        _: Variables,
        caller: &'a Caller,
    ) -> BoxFuture<'a, SubResponse> {
        assert!(operation.access.check(caller, &Variables::default()).is_ok(), "it is checked before");
        let data = json!({ "anybody": 1, "known": 1, "systems": 1, "people": 1, "trusted": 1 });
        let data = async_graphql::Value::from_json(data).unwrap();
        Box::pin(async move { SubResponse { data, errors: vec![] } })
    }
    fn subscribe(&self, operation: &FetchOp, _: Variables, _: &Caller) -> BoxStream<'static, SubResponse> {
        panic!("asked for {}", operation.text)
    }
}

#[tokio::test]
async fn a_field_says_with_what_kind_of_credential_it_may_be_asked() {
    let gateway = moded();
    let with = |mode: AuthMode| Caller { mode: Some(mode), ..Caller::with_scopes::<String>([]) };
    let modes = [None, Some(AuthMode::Session), Some(AuthMode::Oidc), Some(AuthMode::ApiKey)];
    for (field, allowed) in [
        ("anybody", [true, true, true, true]),
        ("known", [false, true, true, true]),
        ("systems", [false, false, false, true]),
        ("people", [false, true, true, false]),
        ("nested { secret }", [false, true, false, false]),
    ] {
        for (mode, allowed) in modes.into_iter().zip(allowed) {
            let caller = mode.map_or_else(Caller::anonymous, with);
            let response = run(&gateway, caller, Request::new(format!("{{ {field} }}"))).await;
            let code = if mode.is_none() { "UNAUTHENTICATED" } else { "FORBIDDEN" };
            let expected: &[&str] = if allowed { &[] } else { &[code] };
            assert_eq!(codes(&response.json().unwrap()), expected, "{field} {mode:?}");
        }
    }
    let response = run(&gateway, with(AuthMode::Oidc), Request::new("{ systems }")).await.json().unwrap();
    let message = "You may not select systems with this kind of credential: it takes API_KEY.";
    assert_eq!(response["errors"][0]["message"], message);
}

#[tokio::test]
async fn policies_hold_as_scopes_do() {
    let gateway = moded();
    for (held, allowed) in
        [(vec![], false), (vec!["staff"], false), (vec!["staff", "eu"], true), (vec!["root"], true)]
    {
        let policies = held.iter().map(|p| (*p).to_owned()).collect();
        let caller = Caller { policies, ..Caller::with_scopes::<String>([]) };
        let response = run(&gateway, caller, Request::new("{ trusted }")).await;
        assert_eq!(response.errors.is_empty(), allowed, "{held:?}");
    }
}

#[test]
fn modes_that_nobody_has_are_a_mistake_and_two_declarations_hold_both() {
    for modes in ["[]", "[\"COOKIE\"]", "\"API_KEY\"", "[API_KEY]"] {
        let sdl = format!("type Query {{ a: Int @authModes(modes: {modes}) }}");
        let read = Access::from_sdl(&sdl, UndeclaredAccess::Deny);
        assert!(matches!(read, Err(AccessError::BadModes { .. })), "{modes}");
    }
    let sdl = "type Query { a: A @authModes(modes: [\"SESSION\"]) }
        type A @authModes(modes: [\"SESSION\", \"OIDC\"]) { b: Int @authModes(modes: [\"OIDC\", \"API_KEY\"]) }";
    let access = Access::from_sdl(sdl, UndeclaredAccess::RefuseToStart).unwrap();
    let check = |mode| {
        let caller = Caller { mode: Some(mode), ..Caller::with_scopes::<String>([]) };
        access.requirement("A", "b").unwrap().check(&caller).is_ok()
    };
    assert!(check(AuthMode::Oidc) && !check(AuthMode::Session) && !check(AuthMode::ApiKey));
}
