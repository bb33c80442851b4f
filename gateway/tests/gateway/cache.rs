//! Answers that are kept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    time::Duration,
};

use async_graphql::*;
use async_trait::async_trait;
use emporia_gateway::{
    Caller, Changes, ComposeError, Config, Gateway, Local, Request, RequestContext, Response, Supergraph,
    UnhintedFields, compose,
};
use tokio::sync::Notify;

use crate::support::{
    access::{cache_control, cache_tag, public, requires_scopes, scope},
    sdl,
};

/// The world behind the gateway.
#[derive(Clone, Default)]
struct World(Arc<State>);

#[derive(Default)]
struct State {
    price: AtomicI32,
    asked: AtomicI32,
    slow: AtomicBool,
    /// A slow question has read the price.
    read: Notify,
    go_on: Notify,
}

struct Product(String);

#[Object]
impl Product {
    async fn sku(&self) -> &str {
        &self.0
    }
    async fn title(&self) -> String {
        format!("Title of {}", self.0)
    }
    #[graphql(directive = cache_control::apply(0))]
    async fn clock(&self) -> i32 {
        1
    }
    #[graphql(directive = requires_scopes::apply(scope("cost")))]
    async fn cost(&self) -> i32 {
        1
    }
    #[graphql(directive = cache_control::apply(5))]
    async fn mood(&self) -> Mood {
        Mood { name: "fine".into() }
    }
    async fn maker(&self) -> Mood {
        Mood { name: "somebody".into() }
    }
}

#[derive(SimpleObject)]
struct Mood {
    name: String,
}

struct CatalogQuery;

#[Object(name = "Query")]
impl CatalogQuery {
    #[graphql(
        directive = public::apply(),
        directive = cache_control::apply(60),
        directive = cache_tag::apply("product:{$args.sku}".into())
    )]
    async fn product(&self, ctx: &Context<'_>, sku: String) -> Result<Option<Product>> {
        ctx.data::<World>()?.0.asked.fetch_add(1, Ordering::SeqCst);
        Ok((sku != "none").then_some(Product(sku)))
    }
    #[graphql(directive = public::apply(), directive = cache_control::apply(60))]
    async fn broken(&self) -> Result<Option<i32>> {
        Err(Error::new("broken"))
    }
    #[graphql(directive = public::apply())]
    async fn unhinted(&self) -> i32 {
        1
    }
    #[graphql(entity)]
    async fn find_product(&self, #[graphql(key)] sku: String) -> Product {
        Product(sku)
    }
}

struct PricedProduct(String);

#[Object(name = "Product", directive = cache_tag::apply("sku:{$key.sku}".into()))]
impl PricedProduct {
    async fn sku(&self) -> &str {
        &self.0
    }
    async fn price(&self, ctx: &Context<'_>) -> Result<i32> {
        let world = &ctx.data::<World>()?.0;
        let price = world.price.load(Ordering::SeqCst);
        if world.slow.load(Ordering::SeqCst) {
            world.read.notify_one();
            world.go_on.notified().await;
        }
        Ok(price)
    }
}

struct PriceQuery;

#[Object(name = "Query")]
impl PriceQuery {
    #[graphql(entity)]
    async fn find_product(&self, #[graphql(key)] sku: String) -> PricedProduct {
        PricedProduct(sku)
    }
}

#[derive(InputObject)]
struct PriceInput {
    #[allow(dead_code)]
    sku: String,
    price: i32,
}

struct PriceMutation;

#[Object(name = "Mutation")]
impl PriceMutation {
    #[graphql(directive = public::apply(), directive = cache_tag::apply("sku:{$args.prices.sku}".into()))]
    async fn set_prices(&self, ctx: &Context<'_>, prices: Vec<PriceInput>) -> Result<i32> {
        let world = &ctx.data::<World>()?.0;
        prices.iter().for_each(|p| world.price.store(p.price, Ordering::SeqCst));
        Ok(1)
    }
}

fn gateway_of(world: &World, changes: Option<Arc<dyn Changes>>, config: Config) -> Gateway {
    let catalog = Schema::build(CatalogQuery, EmptyMutation, EmptySubscription)
        .data(world.clone())
        .enable_federation()
        .finish();
    let prices = Schema::build(PriceQuery, PriceMutation, EmptySubscription)
        .data(world.clone())
        .enable_federation()
        .finish();
    let (catalog_sdl, prices_sdl) = (sdl(&catalog), sdl(&prices));
    let parts = [("catalog", catalog_sdl.as_str(), ""), ("prices", prices_sdl.as_str(), "")];
    let supergraph = compose(&parts).unwrap();
    let builder = Gateway::builder(supergraph).config(config);
    let builder = match changes {
        Some(changes) => builder.changes(changes),
        None => builder,
    };
    builder.subgraph("catalog", Local::new(catalog)).subgraph("prices", Local::new(prices)).build().unwrap()
}

fn gateway(world: &World) -> Gateway {
    gateway_of(world, None, Config::demo())
}

fn of_class(class: &str) -> Caller {
    Caller { shared: Some(class.into()), ..Caller::anonymous() }
}

async fn ask_as(gateway: &Gateway, caller: Caller, query: &str) -> Response {
    gateway.execute(Request::new(query), &RequestContext::new(caller)).await
}

async fn ask(gateway: &Gateway, query: &str) -> Response {
    ask_as(gateway, of_class("everybody"), query).await
}

fn price_of(response: &Response) -> i64 {
    response.json().unwrap()["data"]["product"]["price"].as_i64().unwrap_or_else(|| panic!("{response:?}"))
}

const PRICE: &str = "{ product(sku: \"a\") { title price } }";
const OTHER: &str = "{ product(sku: \"b\") { title price } }";

#[tokio::test]
async fn a_public_answer_is_given_again_without_asking_anybody() {
    let gateway = gateway(&World::default());
    let first = ask(&gateway, PRICE).await;
    assert_eq!((first.subgraph_calls, first.kept.as_ref().unwrap().max_age().as_secs()), (2, 60));
    let second = ask(&gateway, PRICE).await;
    assert_eq!((second.subgraph_calls, &second.body), (0, &first.body));
    assert_eq!(gateway.kept_answers().0, 1);
}

#[tokio::test]
async fn questions_that_differ_in_variables_operation_or_caller_have_answers_of_their_own() {
    let gateway = gateway(&World::default());
    let query = "query A($s: String!) { product(sku: $s) { sku } } query B { product(sku: \"b\") { sku } }";
    let ask = async |class: &str, operation: &str, sku: &str| {
        let variables = serde_json::json!({ "s": sku });
        let request = Request::new(query).operation(operation).variables(variables);
        gateway.execute(request, &RequestContext::new(of_class(class))).await
    };
    for (class, operation, sku) in [("eu", "A", "1"), ("eu", "A", "2"), ("eu", "B", "2"), ("us", "A", "1")] {
        assert_eq!(ask(class, operation, sku).await.subgraph_calls, 1, "{class} {operation} {sku}");
    }
    assert_eq!(ask("eu", "A", "1").await.subgraph_calls, 0);
    assert_eq!(gateway.kept_answers().0, 4);
}

#[tokio::test]
async fn what_is_private_changing_or_not_for_everybody_is_not_kept() {
    let gateway = gateway(&World::default());
    let keeps = async |caller: Caller, query: &str| {
        let first = ask_as(&gateway, caller.clone(), query).await;
        assert!(first.errors.is_empty() || query.contains("broken"), "{first:?}");
        let kept = first.kept.map(|kept| kept.max_age().as_secs());
        let again = ask_as(&gateway, caller, query).await;
        assert_eq!(kept.is_some(), again.subgraph_calls == 0, "{query}");
        kept
    };
    let cost = Caller { shared: Some("staff".into()), ..Caller::with_scopes(["cost"]) };
    let everybody = || of_class("everybody");
    for (caller, query, expected) in [
        (everybody(), "{ product(sku: \"a\") { title } }", Some(60)),
        (everybody(), "{ product(sku: \"none\") { title } }", Some(60)),
        (everybody(), "{ product(sku: \"a\") { mood { name } } }", Some(5)),
        (everybody(), "{ product(sku: \"a\") { maker { name } } }", Some(60)),
        (everybody(), "{ product(sku: \"a\") { ...F } } fragment F on Product { mood { name } }", Some(5)),
        (everybody(), "{ product(sku: \"a\") { title clock } }", None),
        (everybody(), "{ product(sku: \"a\") { ...F } } fragment F on Product { clock }", None),
        (everybody(), "{ unhinted }", None),
        (everybody(), "{ product(sku: \"a\") { title } unhinted }", None),
        (everybody(), "{ broken }", None),
        (cost, "{ product(sku: \"a\") { title cost } }", None),
        (Caller::anonymous(), "{ product(sku: \"z\") { title } }", None),
    ] {
        assert_eq!(keeps(caller, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn with_apollos_rule_an_object_without_a_hint_is_not_kept() {
    let mut config = Config::demo();
    config.response_cache.unhinted = UnhintedFields::NotKept;
    let gateway = gateway_of(&World::default(), None, config);
    assert!(ask(&gateway, "{ product(sku: \"a\") { maker { name } } }").await.kept.is_none());
    assert!(ask(&gateway, "{ product(sku: \"a\") { title mood { name } } }").await.kept.is_some());
}

#[tokio::test]
async fn a_purge_drops_what_carries_the_tag_and_nothing_else() {
    let world = World::default();
    let gateway = gateway(&world);
    for (tag, dropped) in [("sku:a", true), ("product:a", true), ("sku:b", false), ("sku:", false)] {
        ask(&gateway, PRICE).await;
        ask(&gateway, OTHER).await;
        gateway.purge([tag]);
        assert_eq!(ask(&gateway, PRICE).await.subgraph_calls != 0, dropped, "{tag}");
    }
    assert_eq!(ask(&gateway, PRICE).await.subgraph_calls, 0);
    gateway.purge_all();
    assert_eq!(ask(&gateway, PRICE).await.subgraph_calls, 2);
}

#[tokio::test]
async fn a_mutation_drops_what_carries_the_tags_of_its_field() {
    let gateway = gateway(&World::default());
    assert_eq!((price_of(&ask(&gateway, PRICE).await), price_of(&ask(&gateway, OTHER).await)), (0, 0));
    let set =
        "mutation($sku: String!) { setPrices(prices: [{sku: \"x\", price: 4}, {sku: $sku, price: 5}]) }";
    let request = Request::new(set).variables(serde_json::json!({"sku": "a"}));
    gateway.execute(request, &RequestContext::new(of_class("everybody"))).await;
    assert_eq!((price_of(&ask(&gateway, PRICE).await), price_of(&ask(&gateway, OTHER).await)), (5, 0));
}

#[tokio::test]
async fn an_answer_that_was_begun_before_a_purge_is_not_kept_after_it() {
    let world = World::default();
    let gateway = gateway(&world);
    world.0.slow.store(true, Ordering::SeqCst);
    let old = tokio::spawn({
        let gateway = gateway.clone();
        async move { ask(&gateway, PRICE).await }
    });
    world.0.read.notified().await;
    world.0.slow.store(false, Ordering::SeqCst);
    world.0.price.store(7, Ordering::SeqCst);
    gateway.purge(["sku:a"]);
    // Who asks after the change does not wait for the answer from before it either.
    assert_eq!(price_of(&ask(&gateway, PRICE).await), 7);
    world.0.go_on.notify_one();
    let old = old.await.unwrap();
    assert_eq!((price_of(&old), old.kept.is_some()), (0, false));
    assert_eq!(price_of(&ask(&gateway, PRICE).await), 7);
}

#[tokio::test]
async fn equal_questions_at_the_same_time_are_answered_once() {
    let world = World::default();
    let gateway = gateway(&world);
    world.0.slow.store(true, Ordering::SeqCst);
    let ask = || {
        let gateway = gateway.clone();
        tokio::spawn(async move { ask(&gateway, PRICE).await })
    };
    let first = ask();
    world.0.read.notified().await;
    let others: Vec<_> = (0..20).map(|_| ask()).collect();
    tokio::task::yield_now().await;
    // The first one gives up; one of those who wait takes over.
    first.abort();
    world.0.slow.store(false, Ordering::SeqCst);
    let mut calls = 0;
    for other in others {
        let answer = other.await.unwrap();
        assert!(answer.errors.is_empty() && answer.kept.is_some());
        calls += answer.subgraph_calls;
    }
    assert_eq!((calls, world.0.asked.load(Ordering::SeqCst)), (2, 2));
}

#[tokio::test]
async fn the_kept_answers_stay_within_their_bytes() {
    let mut config = Config::demo();
    config.response_cache.bytes = 20_000;
    let gateway = gateway_of(&World::default(), None, config);
    for n in 0..500 {
        ask(&gateway, &format!("{{ product(sku: \"sku-{n}\") {{ title }} }}")).await;
    }
    let (answers, bytes) = gateway.kept_answers();
    assert!((10..60).contains(&answers) && bytes <= 20_000, "{answers} of {bytes} bytes");
}

/// Hears of changes when the test says so.
#[derive(Default)]
struct Ears(AtomicBool, Notify);

#[async_trait]
impl Changes for Ears {
    fn heard(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    async fn hear(&self) {
        self.1.notified().await;
    }
}

#[tokio::test]
async fn no_kept_answer_is_given_before_changes_are_heard_of() {
    let ears = Arc::new(Ears::default());
    let gateway = gateway_of(&World::default(), Some(ears.clone()), Config::demo());
    ears.0.store(true, Ordering::SeqCst);
    ask(&gateway, PRICE).await;
    assert_eq!(ask(&gateway, PRICE).await.subgraph_calls, 0);
    // Something has changed, and nobody hears of it: the question is answered anew.
    ears.0.store(false, Ordering::SeqCst);
    assert_eq!(ask(&gateway, PRICE).await.subgraph_calls, 2);
    // It is heard of while the question waits.
    let (waiting, ()) = tokio::join!(ask(&gateway, PRICE), async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        gateway.purge(["sku:a"]);
        ears.1.notify_one();
    });
    assert_eq!(waiting.subgraph_calls, 2);
    let (waiting, ()) = tokio::join!(ask(&gateway, PRICE), async { ears.1.notify_one() });
    assert_eq!(waiting.subgraph_calls, 0);
}

#[test]
fn the_supergraph_alone_says_what_is_kept_and_what_it_depends_on() {
    let subgraph = |ty: &str| {
        format!(
            "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\", import: [\"@key\", \"@shareable\"])
             enum CacheControlScope {{ PUBLIC PRIVATE }}
             directive @cacheControl(maxAge: Int, scope: CacheControlScope) on FIELD_DEFINITION | OBJECT
             directive @cacheTag(format: String!) repeatable on FIELD_DEFINITION | OBJECT
             directive @public on FIELD_DEFINITION
             {ty}"
        )
    };
    let a = subgraph(
        "type Query { a: T @public @cacheControl(maxAge: 60) @shareable } type T @cacheControl(scope: PRIVATE) @shareable { x: Int }",
    );
    let b = subgraph(
        "type Query { a: T @public @cacheControl(maxAge: 30) @cacheTag(format: \"b\") @shareable } type T @shareable { x: Int }",
    );
    let composed = compose(&[("a", &a, "http://a"), ("b", &b, "http://b")]).unwrap();
    let line =
        |start: &str| composed.sdl().lines().find(|l| l.trim_start().starts_with(start)).unwrap().to_owned();
    assert!(line("a:").contains("@cacheControl(maxAge: 30) @cacheTag(format: \"b\")"), "{}", line("a:"));
    assert!(line("type T").contains("@cacheControl(scope: PRIVATE)"), "{}", line("type T"));
    // What composition wrote can be composed and read again.
    let again = Gateway::builder(Supergraph::from_sdl(composed.sdl()));
    assert!(matches!(again.build(), Err(emporia_gateway::BuildError::MissingSubgraphs(_))));
}

#[test]
fn a_hint_that_cannot_be_followed_is_refused_with_its_place() {
    for (hint, reason) in [
        ("@cacheControl(maxAge: -1)", "Query.a: maxAge"),
        ("@cacheControl(maxAge: \"1\")", "Query.a: maxAge"),
        ("@cacheControl(scope: SOME)", "Query.a: there is no scope SOME"),
        ("@cacheTag", "Query.a: @cacheTag needs a format"),
    ] {
        let sdl = format!("type Query {{ a: Int {hint} }}");
        match compose(&[("a", &sdl, "http://a")]) {
            Err(ComposeError::Subgraph { message, .. }) => assert!(message.contains(reason), "{message}"),
            other => panic!("{hint}: {other:?}"),
        }
    }
}

mod over_http {
    use axum::body::{Body, to_bytes};
    use emporia_gateway::{Anonymous, HttpOptions, router};
    use http::{HeaderMap, Request, StatusCode};
    use tower::ServiceExt;

    use super::{Gateway, World, gateway};

    const PRICE: &str = "%7Bproduct(sku:%22a%22)%7Btitle%20price%7D%7D";

    async fn get(
        gateway: &Gateway,
        query: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let app = router(gateway.clone(), Anonymous, HttpOptions::default());
        let mut request = Request::get(format!("/graphql?query={query}")).header("emporia-csrf", "1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, to_bytes(body, usize::MAX).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn caches_on_the_way_are_told_how_long_an_answer_may_be_kept_and_for_whom() {
        let gateway = gateway(&World::default());
        for _ in 0..2 {
            let (status, headers, _) = get(&gateway, PRICE, &[]).await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(headers["cache-control"], "public, max-age=60");
            assert_eq!(headers["age"], "0");
            assert_eq!(headers["vary"], "accept, accept-encoding, authorization");
        }
        let (_, headers, _) = get(&gateway, "%7Bunhinted%7D", &[]).await;
        assert_eq!(headers["cache-control"], "no-store");
        assert!(!headers.contains_key("etag") && !headers.contains_key("age"));
    }

    #[tokio::test]
    async fn who_has_the_answer_already_is_told_so_until_it_changes() {
        let world = World::default();
        let gateway = gateway(&world);
        let (_, headers, _) = get(&gateway, PRICE, &[]).await;
        let tag = headers["etag"].to_str().unwrap().to_owned();
        let both = format!("\"other\", {tag}");
        for known in [tag.as_str(), both.as_str(), "*"] {
            let (status, headers, body) = get(&gateway, PRICE, &[("if-none-match", known)]).await;
            assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
            assert_eq!(headers["etag"], tag.as_str());
        }
        world.0.price.store(3, std::sync::atomic::Ordering::SeqCst);
        gateway.purge(["sku:a"]);
        let (status, headers, body) = get(&gateway, PRICE, &[("if-none-match", &tag)]).await;
        assert_eq!(status, StatusCode::OK);
        assert!(headers["etag"] != tag.as_str() && !body.is_empty());
    }

    #[tokio::test]
    async fn a_long_answer_goes_out_compressed_to_those_who_take_it() {
        let gateway = gateway(&World::default());
        let aliases: String = (0..50).map(|n| format!("alias{n}:title%20")).collect();
        let long = format!("%7Bproduct(sku:%22a%22)%7B{aliases}%7D%7D");
        let (_, headers, plain) = get(&gateway, &long, &[]).await;
        assert!(!headers.contains_key("content-encoding") && plain.len() > 1_000);
        for (accepted, compressed) in [("br, gzip", true), ("gzip;q=0", false), ("identity", false)] {
            let (_, headers, body) = get(&gateway, &long, &[("accept-encoding", accepted)]).await;
            assert_eq!(headers.contains_key("content-encoding"), compressed, "{accepted}");
            let body = if compressed {
                let mut text = vec![];
                std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body.as_slice()), &mut text)
                    .unwrap();
                text
            } else {
                body
            };
            assert_eq!(body, plain, "{accepted}");
        }
    }
}
