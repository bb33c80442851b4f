//! Access declarations. They are data in the schema; the gateway and the subgraph's adapter enforce them.

use async_graphql::TypeDirective;

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

/// All of these scopes.
pub fn all_of(scopes: &[&str]) -> Vec<Vec<String>> {
    vec![scopes.iter().map(|s| (*s).to_owned()).collect()]
}

/// Any one of these scopes.
pub fn any_of(scopes: &[&str]) -> Vec<Vec<String>> {
    scopes.iter().map(|s| vec![(*s).to_owned()]).collect()
}
