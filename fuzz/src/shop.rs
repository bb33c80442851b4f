//! One shop for all executions of a process: every room, real, in a directory of its own.

use axum::Router;
use emporia::{
    client::Proxies,
    platform::Engine,
    web::{self, WebOptions},
};
use emporia_customers::RelyingParty;
use emporia_gateway::{Config, Limits, RateLimits};
use emporia_id::FixedClock;
use emporia_store_sqlite::{Durability, Layout};
use emporia_testkit::{Emporia, Setup, more};
use emporia_testpay::api::Authorisation;
use serde_json::json;
use std::{
    future::Future,
    sync::{Arc, LazyLock},
};
use tokio::runtime::Runtime;

/// The pages of the shop.
pub(crate) const SITE: &str = "https://shop.example.com";
/// The cost that an operation may have: low, so that an answer that is larger than its operation was measured is seen.
pub(crate) const COMPLEXITY: u64 = 600;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // One of them answers while the other one waits for the answer.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().expect("a runtime starts")
});

static SHOP: LazyLock<Shop> = LazyLock::new(|| block_on(Shop::open()));

/// Runs something to its end.
pub(crate) fn block_on<F: Future>(work: F) -> F::Output {
    RUNTIME.block_on(work)
}

/// The shop, opened at first.
pub(crate) fn shop() -> &'static Shop {
    &SHOP
}

/// A small shop, somebody of each kind who asks, and things of theirs.
pub(crate) struct Shop {
    pub(crate) emporia: Emporia,
    pub(crate) router: Router,
    pub(crate) guest: String,
    pub(crate) customer: String,
    pub(crate) operator: String,
    /// A cart, a checkout and an order of the guest.
    pub(crate) ids: Vec<String>,
    /// What the payment provider says about the order's payment.
    pub(crate) authorisation: Authorisation,
}

impl Shop {
    async fn open() -> Self {
        // Tokens of the first execution hold for the last one.
        let clock = Arc::new(FixedClock::at(jiff::Timestamp::now()));
        let limits = Limits { complexity: COMPLEXITY, ..Limits::default() };
        let rates = RateLimits { enabled: false, ..RateLimits::default() };
        let gateway = Config {
            introspection: true,
            query_plan_on_request: true,
            mask_errors: false,
            limits,
            rates,
            ..Config::default()
        };
        let site = RelyingParty::new("example.com", "Shop", &[SITE.to_owned()]).expect("it is a site");
        let setup = Setup {
            clock: Some(clock),
            tasks: false,
            engine: Some(Engine::Sqlite { layout: Layout::Shared, durability: Durability::None }),
            gateway: gateway.clone(),
            passkeys: Some(site),
            ..Setup::default()
        };
        let emporia = Emporia::small_with(setup).await;
        more(&emporia.platform, 60).await;
        let trusted = "10.0.0.0/8".parse().expect("it is a network");
        let options = WebOptions {
            gateway,
            graphiql: true,
            examples: vec![],
            metrics: None,
            proxies: Proxies::trusted(&[trusted]),
        };
        let router = web::router(&emporia.platform, options).expect("the graph composes");
        let guest = emporia.guest().await;
        let cart = guest.cart_with(&[("MUG", 1)]).await;
        let checkout = guest.checkout(&cart, "DE").await;
        let order = guest.buy(&guest.cart_with(&[("BOOK", 1)]).await, "4242424242424242").await;
        let product = guest.data("{ products(first: 1) { nodes { id } } }", json!({})).await;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let ids = vec![cart, checkout, text(&order["id"]), text(&product["products"]["nodes"][0]["id"])];
        let shown = |headers: Vec<(&str, &str)>| headers.first().map(|(_, value)| (*value).to_owned());
        let payments = "query($id: ID!) { order(id: $id) { payments { id } } }";
        let staff = emporia.operator(&["admin"]).await;
        let paid = staff.data(payments, json!({ "id": order["id"] })).await;
        let payment = text(&paid["order"]["payments"][0]["id"]);
        let found = emporia.provider.authorisations_by_reference(&payment).await;
        let authorisation = found.expect("the provider answers").remove(0);
        let guest = shown(guest.headers()).unwrap_or_default();
        let customer = shown(emporia.customer("ada@example.com").await.headers()).unwrap_or_default();
        let operator = shown(staff.headers()).unwrap_or_default();
        Self { router, guest, customer, operator, ids, authorisation, emporia }
    }

    /// A text of a seed, with the names of what only this process knows filled in.
    pub(crate) fn filled(&self, text: &str) -> String {
        let known = [("$GUEST", &self.guest), ("$CUSTOMER", &self.customer), ("$OPERATOR", &self.operator)];
        let ids = ["$CART", "$CHECKOUT", "$ORDER", "$PRODUCT"].into_iter().zip(&self.ids);
        known.into_iter().chain(ids).fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}
