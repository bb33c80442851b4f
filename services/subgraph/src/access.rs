//! Access declarations. They are data in the schema; the gateway and the subgraph's adapter enforce them.

use crate::{context, forbidden};
use async_graphql::{Context, Result, TypeDirective};
use emporia_contracts::{Place, context::somewhere};

/// Anybody may select this root field, signed in or not. What he gets may still depend on who he is.
#[TypeDirective(location = "FieldDefinition")]
pub fn public() {}

/// Only a caller whose identity is known may select this field.
#[TypeDirective(location = "FieldDefinition", location = "Object", location = "Interface")]
pub fn authenticated() {}

/// Only a caller that holds the scopes may select this field: one of the inner lists, all scopes of that list.
#[TypeDirective(
    name = "requiresScopes",
    location = "FieldDefinition",
    location = "Object",
    location = "Interface"
)]
pub fn requires_scopes(scopes: Vec<Vec<String>>) {}

/// Only with one of these kinds of credentials may this field be selected: [`SESSION`], [`API_KEY`]. With any, if
/// nothing is said.
#[TypeDirective(
    name = "authModes",
    location = "FieldDefinition",
    location = "Object",
    location = "Interface"
)]
pub fn auth_modes(modes: Vec<String>) {}

/// An access token of this house: somebody signed in.
pub const SESSION: &str = "SESSION";
/// An API key: another system.
pub const API_KEY: &str = "API_KEY";

/// One kind of credential.
pub fn mode(mode: &str) -> Vec<String> {
    vec![mode.to_owned()]
}

/// One scope.
pub fn scope(scope: &str) -> Vec<Vec<String>> {
    vec![vec![scope.to_owned()]]
}

/// One scope, held everywhere or at some place: the field is of something that has a place, and its resolver asks again
/// with [`permitted_at`]. A field that says [`scope`] refuses whoever holds it at some places only.
pub fn scope_at_place(scope: &str) -> Vec<Vec<String>> {
    vec![vec![scope.to_owned()], vec![somewhere(scope)]]
}

/// Refuses a caller who may not do it everywhere nor at any of these places.
///
/// # Errors
/// `FORBIDDEN`.
pub fn permitted_at(ctx: &Context<'_>, scope: &str, places: &[Place]) -> Result<()> {
    if context(ctx)?.may_at(scope, places) {
        return Ok(());
    }
    let places = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(forbidden(format!("you do not hold {scope} at {places}")))
}

/// All of these scopes.
pub fn all_of(scopes: &[&str]) -> Vec<Vec<String>> {
    vec![scopes.iter().map(|s| (*s).to_owned()).collect()]
}

/// Any one of these scopes.
pub fn any_of(scopes: &[&str]) -> Vec<Vec<String>> {
    scopes.iter().map(|s| vec![(*s).to_owned()]).collect()
}
