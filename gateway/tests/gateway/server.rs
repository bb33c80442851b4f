//! The gateway as a real server on a free port.

use std::net::SocketAddr;

use async_trait::async_trait;
use emporia_gateway::{Caller, Example, Gateway, GatewayError, HttpOptions, Identify, router};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::support::manager;

/// Tokens of the tests: `manager`, `nobody` (known, without scopes); everything else is not valid.
pub struct Tokens;

#[async_trait]
impl Identify for Tokens {
    async fn identify(
        &self,
        headers: &HeaderMap,
        parameters: Option<&Value>,
    ) -> Result<Caller, GatewayError> {
        let header = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        match header.or_else(|| parameters?.get("authorization")?.as_str()) {
            None => Ok(Caller::anonymous()),
            Some("Bearer manager") => Ok(manager()),
            Some("Bearer nobody") => Ok(Caller::with_scopes::<String>([])),
            Some(_) => Err(GatewayError::unauthenticated("The token is not valid.")),
        }
    }
}

pub fn app(gateway: Gateway) -> axum::Router {
    let example = Example {
        name: "Products </script> with stock".into(),
        query: "query Products { products(first: 3) { sku name inStock price { amount currencyCode } } }"
            .into(),
        variables: json!({}),
    };
    let subscription = Example {
        name: "Prices as they change".into(),
        query: "subscription Prices($sku: ID!) { priceChanged(sku: $sku) { sku price { amount } inStock } }"
            .into(),
        variables: json!({"sku": "sku-7"}),
    };
    router(gateway, Tokens, HttpOptions { graphiql: true, examples: vec![example, subscription] })
}

pub async fn serve(app: axum::Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

pub async fn start(gateway: Gateway) -> SocketAddr {
    serve(app(gateway)).await
}
