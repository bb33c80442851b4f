//! Objects whose fields need not wait for each other.

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, Name, ObjectType, OutputType, Positioned, ServerResult,
    Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection},
    registry::Registry,
    resolver_utils::resolve_container,
};
use std::borrow::Cow;

/// An object whose fields are answered one after the other.
///
/// async-graphql boxes a future for every field and drives those of one object beside each other. Where the fields are
/// at hand, or only one of them waits, that costs a multiple of the answer. Objects of a list still wait together, so
/// batch loaders see all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eager<T>(pub T);

impl<T> From<T> for Eager<T> {
    fn from(object: T) -> Self {
        Self(object)
    }
}

impl<T: ObjectType> OutputType for Eager<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let mut fields = Vec::new();
        if !plain_fields(&ctx.item.node.items, &T::type_name(), &mut fields) {
            return resolve_container(ctx, &self.0).await;
        }
        let mut object = IndexMap::with_capacity(fields.len());
        for field in fields {
            let name = &field.node.response_key().node;
            let value = if field.node.name.node == "__typename" {
                Value::String(self.0.introspection_type_name().into_owned())
            } else {
                match self.0.resolve_field(&ctx.with_field(field)).await {
                    Ok(value) => value.unwrap_or_default(),
                    Err(error) => {
                        ctx.add_error(error);
                        continue;
                    }
                }
            };
            object.insert(name.clone(), value);
        }
        // As async-graphql answers an object of which nothing could be told.
        Ok(if object.is_empty() { Value::Null } else { Value::Object(object) })
    }
}

impl<T: ObjectType> ContainerType for Eager<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        self.0.resolve_field(ctx).await
    }

    async fn find_entity(&self, ctx: &Context<'_>, params: &Value) -> ServerResult<Option<Value>> {
        self.0.find_entity(ctx, params).await
    }
}

impl<T: ObjectType> ObjectType for Eager<T> {}

/// Collects the fields of a selection; false if it asks for more than distinct fields of this type.
fn plain_fields<'a>(
    selections: &'a [Positioned<Selection>],
    type_name: &str,
    fields: &mut Vec<&'a Positioned<Field>>,
) -> bool {
    let key = |field: &'a Positioned<Field>| -> &'a Name { &field.node.response_key().node };
    selections.iter().all(|selection| match &selection.node {
        Selection::Field(field) => {
            let plain = field.node.directives.is_empty() && fields.iter().all(|f| key(f) != key(field));
            fields.push(field);
            plain
        }
        Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref().map(|c| c.node.on.node.as_str());
            condition.is_none_or(|on| on == type_name)
                && fragment.node.directives.is_empty()
                && plain_fields(&fragment.node.selection_set.node.items, type_name, fields)
        }
        Selection::FragmentSpread(_) => false,
    })
}
