//! Input that nobody means well with, through real HTTP. Everything is answered with a code, nothing is a fault of
//! ours, and the shop goes on.

mod texts;
mod transport;
mod values;
mod webhooks;

use emporia_testkit::{Emporia, Shopper};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Panics of this process, in whatever task.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A shop with a client that speaks HTTP to it.
struct Target {
    shop: Emporia,
    client: reqwest::Client,
}

impl Target {
    async fn new() -> Self {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            usual(info);
        }));
        Self { shop: Emporia::small().await, client: reqwest::Client::new() }
    }

    /// Posts an operation; the HTTP status and the answer.
    async fn post(&self, query: &str, variables: Value, who: &Shopper<'_>) -> (u16, Value) {
        let mut request = self.client.post(format!("{}/graphql", self.shop.address));
        for (name, value) in who.headers() {
            request = request.header(name, value);
        }
        let request = request.header("accept", "application/graphql-response+json");
        let body = serde_json::to_vec(&json!({"query": query, "variables": variables})).unwrap();
        let huge = body.len() > 1_000_000;
        let answer = match request.header("content-type", "application/json").body(body).send().await {
            // The server answers and hangs up before it has read everything: the answer may not get through.
            Err(error) if huge => {
                return (
                    413,
                    json!({"errors": [{"message": error.to_string(), "extensions": {"code": "CUT_OFF"}}]}),
                );
            }
            answer => answer.unwrap(),
        };
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    /// Posts what has to be refused; the code.
    async fn refused(&self, query: &str, variables: Value, who: &Shopper<'_>) -> String {
        let (status, answer) = self.post(query, variables.clone(), who).await;
        let seen = || format!("HTTP {status} for {query}\nwith {}\n{answer:#}", short(&variables));
        assert!(status < 500, "{}", seen());
        let code = code(&answer).unwrap_or_else(|| panic!("it was not refused: {}", seen()));
        assert!(!["INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"].contains(&&*code), "{}", seen());
        assert!(message(&answer).is_some_and(|m| m.len() > 5), "{}", seen());
        code
    }

    /// The shop still serves, and nothing has panicked.
    async fn is_well(&self) {
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "something panicked");
        let guest = self.shop.guest().await;
        let cart = guest.cart_with(&[("BOOK", 1)]).await;
        guest.buy(&cart, "4242424242424242").await;
        self.shop.caught_up().await;
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "something panicked");
    }
}

/// The code of the first error: of the operation, or of a payload.
fn code(answer: &Value) -> Option<String> {
    let of_payload =
        || answer["data"].as_object()?.values().find_map(|p| p["userErrors"][0]["code"].as_str());
    answer["errors"][0]["extensions"]["code"].as_str().or_else(of_payload).map(ToOwned::to_owned)
}

fn message(answer: &Value) -> Option<&str> {
    let of_payload =
        || answer["data"].as_object()?.values().find_map(|p| p["userErrors"][0]["message"].as_str());
    answer["errors"][0]["message"].as_str().or_else(of_payload)
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(400).collect()
}
