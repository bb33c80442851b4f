//! How long the gateway may keep an answer, and what it depends on. Data in the schema, in the words of Apollo's
//! federation; a root field that says nothing is not kept.

use async_graphql::TypeDirective;

/// Seconds that an answer with this field may be kept for everybody; 0: not at all. Below a root field only what may be
/// kept for less time says so.
#[TypeDirective(name = "cacheControl", location = "FieldDefinition", location = "Object")]
pub fn cache_control(max_age: i32) {}

/// A tag of every answer with this root field (`{$args.…}` stands for an argument) or entity (`{$key.…}` stands for a key
/// field): the answer is dropped when the tag is purged. On a field of `Mutation`: a tag that the mutation purges.
#[TypeDirective(name = "cacheTag", location = "FieldDefinition", location = "Object")]
pub fn cache_tag(format: String) {}
