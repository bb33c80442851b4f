#![doc = include_str!("../README.md")]

pub mod access;
mod address;
mod batch;
pub mod caching;
mod eager;
mod errors;
mod idempotency;
mod input;
mod money;
mod recording;
mod schema;
mod time;
mod totals;
mod trouble;
mod user_error;

pub use address::{AddressInput, PostalAddress};
pub use batch::batched;
pub use eager::Eager;
pub use emporia_audit::recorded as audit_entries;
pub use errors::{bad_input, conflict, fault, forbidden, not_found, store_error, unauthenticated};
pub use idempotency::{fingerprint, idempotency, run_once};
pub use input::{page_size, parse, parse_id, parse_key};
pub use money::{GraphMoney, MoneyObject, decimal_price};
pub use recording::{Accounted, Recorded, recorded};
pub use schema::Subgraph;
pub use time::DateTime;
pub use totals::{OrderTaxTotal, OrderTotals};
pub use trouble::Trouble;
pub use user_error::{UserError, UserErrorCode};

use async_graphql::{Context, Result};
use emporia_contracts::RequestContext;

/// The context of the request, put there by the gateway.
///
/// # Errors
/// A fault when a schema is run without one: a defect of the wiring.
pub fn context<'a>(ctx: &Context<'a>) -> Result<&'a RequestContext> {
    ctx.data::<RequestContext>()
}
