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
