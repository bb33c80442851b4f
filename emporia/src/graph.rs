//! The graph: every room's subgraph, composed into one.

use crate::platform::Platform;
use async_graphql::{ObjectType, SDLExportOptions, Schema, SubscriptionType};
use emporia_contracts::RequestContext;
use emporia_gateway::{
    BuildError, ComposeError, Config, Gateway, GatewayBuilder, Local, Supergraph, compose,
};

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The subgraphs do not fit together.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The gateway does not take the supergraph.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A subgraph's schema in the form that composition wants.
fn sdl<Q, M, S>(schema: &Schema<Q, M, S>) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    schema.sdl_with_options(
        SDLExportOptions::new().federation().compose_directive().sorted_fields().sorted_arguments(),
    )
}

/// A schema called in this process, with the request's context put in.
fn local<Q, M, S>(schema: Schema<Q, M, S>) -> Local<Schema<Q, M, S>>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    Local::new(schema).with_context(|request, caller| match caller.data.downcast_ref::<RequestContext>() {
        Some(context) => request.data(context.clone()),
        // Without a context every resolver that needs one answers with a fault.
        None => request,
    })
}

/// A room's part of the graph.
struct Room {
    name: &'static str,
    sdl: String,
    join: Box<dyn FnOnce(GatewayBuilder) -> GatewayBuilder>,
}

fn room<Q, M, S>(name: &'static str, schema: Schema<Q, M, S>) -> Room
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    Room { name, sdl: sdl(&schema), join: Box::new(move |builder| builder.subgraph(name, local(schema))) }
}

fn rooms(p: &Platform) -> Vec<Room> {
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
    ]
}

fn composed(rooms: &[Room]) -> Result<Supergraph, ComposeError> {
    let urls: Vec<String> =
        rooms.iter().map(|room| format!("http://{}.emporia.internal/graphql", room.name)).collect();
    let parts: Vec<(&str, &str, &str)> =
        rooms.iter().zip(&urls).map(|(room, url)| (room.name, room.sdl.as_str(), url.as_str())).collect();
    compose(&parts)
}

/// The supergraph of all rooms.
///
/// # Errors
/// [`ComposeError`] says which parts do not fit.
pub fn supergraph(platform: &Platform) -> Result<Supergraph, ComposeError> {
    composed(&rooms(platform))
}

/// The gateway over all rooms, in this process.
///
/// # Errors
/// [`GraphError`]: a defect of a schema.
pub fn gateway(platform: &Platform, config: Config) -> Result<Gateway, GraphError> {
    let rooms = rooms(platform);
    let builder = Gateway::builder(composed(&rooms)?).config(config);
    Ok(rooms.into_iter().fold(builder, |builder, room| (room.join)(builder)).build()?)
}
