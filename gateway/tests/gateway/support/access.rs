//! The directives with which a subgraph says who may select a field.

use async_graphql::TypeDirective;

/// Everybody may.
#[TypeDirective(location = "FieldDefinition")]
pub fn public() {}

/// Everybody we know may.
#[TypeDirective(location = "FieldDefinition", location = "Object")]
pub fn authenticated() {}

/// Who holds the scopes may.
#[TypeDirective(name = "requiresScopes", location = "FieldDefinition", location = "Object")]
pub fn requires_scopes(scopes: Vec<Vec<String>>) {}

pub fn scope(scope: &str) -> Vec<Vec<String>> {
    vec![vec![scope.to_owned()]]
}
