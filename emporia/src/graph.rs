//! The graph: every room's subgraph, composed into one.

use crate::platform::Platform;
use async_graphql::{ObjectType, SDLExportOptions, Schema, SubscriptionType};
use emporia_contracts::RequestContext;
use emporia_gateway::{BuildError, ComposeError, Config, Gateway, Local, Supergraph, compose};

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

macro_rules! rooms {
    ($platform:expr, $use_room:ident) => {{
        let p: &Platform = $platform;
        $use_room!("channels", emporia_channels::schema(p.channels.clone()));
        $use_room!("catalog", emporia_catalog::schema(p.catalog.clone(), p.live.clone()));
        $use_room!("pricing", emporia_pricing::schema(p.pricing.clone()));
        $use_room!("tax", emporia_tax::schema(p.tax.clone()));
        $use_room!("inventory", emporia_inventory::schema(p.inventory.clone(), p.live.clone()));
        $use_room!("carts", emporia_carts::schema(p.carts.clone()));
        $use_room!("checkout", emporia_checkout::schema(p.checkout.clone()));
        $use_room!("payments", emporia_payments::schema(p.payments.clone()));
        $use_room!("orders", emporia_orders::schema(p.orders.clone(), p.live.clone()));
        $use_room!("customers", emporia_customers::schema(p.customers.clone()));
    }};
}

/// The supergraph of all rooms.
///
/// # Errors
/// [`ComposeError`] says which parts do not fit.
pub fn supergraph(platform: &Platform) -> Result<Supergraph, ComposeError> {
    let mut sdls: Vec<(&str, String)> = vec![];
    macro_rules! export {
        ($name:literal, $schema:expr) => {
            sdls.push(($name, sdl(&$schema)))
        };
    }
    rooms!(platform, export);
    let urls: Vec<String> =
        sdls.iter().map(|(name, _)| format!("http://{name}.emporia.internal/graphql")).collect();
    let parts: Vec<(&str, &str, &str)> =
        sdls.iter().zip(&urls).map(|((name, sdl), url)| (*name, sdl.as_str(), url.as_str())).collect();
    compose(&parts)
}

/// The gateway over all rooms, in this process.
///
/// # Errors
/// [`GraphError`]: a defect of a schema.
pub fn gateway(platform: &Platform, config: Config) -> Result<Gateway, GraphError> {
    let mut builder = Gateway::builder(supergraph(platform)?).config(config);
    macro_rules! add {
        ($name:literal, $schema:expr) => {
            builder = builder.subgraph($name, local($schema))
        };
    }
    rooms!(platform, add);
    Ok(builder.build()?)
}
