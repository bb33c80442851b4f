//! The graph: every room's subgraph, composed into one.

use crate::{fresh::Fresh, platform::Platform};
use emporia_contracts::RequestContext;
use emporia_gateway::{BuildError, ComposeError, Config, Gateway, Local, Supergraph, compose};
use emporia_store::StoreError;
use emporia_subgraph::Subgraph;
use std::collections::HashMap;

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The subgraphs do not fit together.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The gateway does not take the supergraph.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The events cannot be followed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A room's part of the graph.
struct Room {
    name: &'static str,
    subgraph: Subgraph,
}

/// Every room's subgraph by its name, for whoever calls them without a gateway in this process.
pub fn rooms(platform: &Platform) -> HashMap<&'static str, Subgraph> {
    all(platform).into_iter().map(|room| (room.name, room.subgraph)).collect()
}

fn all(p: &Platform) -> Vec<Room> {
    let room = |name, subgraph| Room { name, subgraph };
    vec![
        room("channels", emporia_channels::schema(p.channels.clone())),
        room("catalog", emporia_catalog::schema(p.catalog.clone(), p.live.clone())),
        room("pricing", emporia_pricing::schema(p.pricing.clone())),
        room("tax", emporia_tax::schema(p.tax.clone())),
        room("inventory", emporia_inventory::schema(p.inventory.clone(), p.live.clone())),
        room("carts", emporia_carts::schema(p.carts.clone())),
        room("checkout", emporia_checkout::schema(p.checkout.clone())),
        room("payments", emporia_payments::schema(p.payments.clone())),
        room("orders", emporia_orders::schema(p.orders.clone(), p.live.clone())),
        room("customers", emporia_customers::schema(p.customers.clone())),
        room("audit", emporia_audit_log::schema(p.audit.clone(), p.vault.clone())),
    ]
}

/// A subgraph called in this process, with the request's context put in.
fn local(subgraph: Subgraph) -> Local<Subgraph> {
    Local::new(subgraph).with_context(|request, caller| match caller.data.downcast_ref::<RequestContext>() {
        Some(context) => request.data(context.clone()),
        // Without a context every resolver that needs one answers with a fault.
        None => request,
    })
}

fn composed(rooms: &[Room]) -> Result<Supergraph, ComposeError> {
    let described: Vec<(&str, String, String)> = rooms
        .iter()
        .map(|room| {
            (room.name, room.subgraph.sdl(), format!("http://{}.emporia.internal/graphql", room.name))
        })
        .collect();
    let parts: Vec<(&str, &str, &str)> =
        described.iter().map(|(name, sdl, url)| (*name, sdl.as_str(), url.as_str())).collect();
    compose(&parts)
}

/// The rooms' subgraphs: name and schema.
pub fn subgraphs(platform: &Platform) -> Vec<(&'static str, String)> {
    all(platform).into_iter().map(|room| (room.name, room.subgraph.sdl())).collect()
}

/// The supergraph of all rooms.
///
/// # Errors
/// [`ComposeError`] says which parts do not fit.
pub fn supergraph(platform: &Platform) -> Result<Supergraph, ComposeError> {
    composed(&all(platform))
}

/// The gateway over all rooms, in this process; what it keeps follows the events, on the present runtime.
///
/// # Errors
/// [`GraphError`]: a defect of a schema, or a store that is closed.
pub fn gateway(platform: &Platform, config: Config) -> Result<Gateway, GraphError> {
    let rooms = all(platform);
    let fresh = Fresh::new(&platform.store)?;
    let builder = Gateway::builder(composed(&rooms)?).config(config).changes(fresh.clone());
    let gateway = rooms
        .into_iter()
        .fold(builder, |builder, room| builder.subgraph(room.name, local(room.subgraph)))
        .build()?;
    fresh.follow(&gateway, platform.following.as_ref());
    Ok(gateway)
}
