//! The directives with which a subgraph says who may select a field and how long an answer may be kept.

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

/// How many seconds an answer with the field may be kept.
#[TypeDirective(name = "cacheControl", location = "FieldDefinition", location = "Object")]
pub fn cache_control(max_age: i32) {}

/// What an answer with the field or entity depends on.
#[TypeDirective(name = "cacheTag", location = "FieldDefinition", location = "Object")]
pub fn cache_tag(format: String) {}
