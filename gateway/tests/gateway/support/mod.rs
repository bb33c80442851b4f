//! A small shop as three federated subgraphs, and short ways to ask it.
#![allow(dead_code)]

pub mod access;
pub mod catalog;
pub mod orders;
pub mod stock;

use std::sync::atomic::AtomicBool;

use async_graphql::{ObjectType, SDLExportOptions, Schema, SubscriptionType};
use emporia_gateway::{
    Caller, Config, Gateway, GatewayBuilder, Local, Request, RequestContext, Response, Supergraph, compose,
};
use serde_json::Value;

pub fn sdl<Q: ObjectType + 'static, M: ObjectType + 'static, S: SubscriptionType + 'static>(
    schema: &Schema<Q, M, S>,
) -> String {
    schema.sdl_with_options(SDLExportOptions::new().federation().compose_directive())
}

pub fn subgraph_sdls() -> [(&'static str, String, &'static str); 3] {
    [
        ("catalog", sdl(&catalog::schema()), "http://catalog/graphql"),
        ("orders", sdl(&orders::schema()), "http://orders/graphql"),
        ("stock", sdl(&stock::schema()), "http://stock/graphql"),
    ]
}

pub fn supergraph() -> Supergraph {
    let sdls = subgraph_sdls();
    let parts: Vec<_> = sdls.iter().map(|(name, sdl, url)| (*name, sdl.as_str(), *url)).collect();
    compose(&parts).expect("the sample subgraphs compose")
}

/// The caller's name, as the sample subgraphs read it from their context.
#[derive(Clone)]
pub struct CallerName(pub String);

pub fn builder() -> GatewayBuilder {
    Gateway::builder(supergraph())
        .subgraph(
            "catalog",
            Local::new(catalog::schema()).with_context(|request, caller| {
                match caller.data.downcast_ref::<CallerName>() {
                    Some(name) => request.data(name.clone()),
                    None => request,
                }
            }),
        )
        .subgraph("orders", Local::new(orders::schema()))
        .subgraph("stock", Local::new(stock::schema()))
}

pub fn gateway_with(change: impl FnOnce(&mut Config)) -> Gateway {
    let mut config = Config::demo();
    change(&mut config);
    builder().config(config).build().expect("the sample gateway builds")
}

pub fn gateway() -> Gateway {
    gateway_with(|_| {})
}

/// Somebody who may do everything.
pub fn manager() -> Caller {
    Caller::with_scopes(["orders:read", "orders:write", "prices:read"])
}

pub async fn run(gateway: &Gateway, caller: Caller, request: Request) -> Response {
    gateway.execute(request, &RequestContext::new(caller)).await
}

/// Asks as a manager.
pub async fn ask(gateway: &Gateway, query: &str) -> Value {
    run(gateway, manager(), Request::new(query)).await.json().expect("a response is JSON")
}

pub async fn ask_with(gateway: &Gateway, query: &str, variables: Value) -> Value {
    run(gateway, manager(), Request::new(query).variables(variables))
        .await
        .json()
        .expect("a response is JSON")
}

pub fn codes(response: &Value) -> Vec<String> {
    let errors = response["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|e| e["extensions"]["code"].as_str().unwrap_or("none").to_owned()).collect()
}

/// Says when it is dropped.
pub struct OnDrop(pub &'static AtomicBool);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}
