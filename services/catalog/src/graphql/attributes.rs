use crate::{
    graphql::reader,
    model::{self, AttributeDefinition, AttributeLevel, AttributeValue, ProductType},
    service::CatalogService,
};
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use emporia_contracts::values::Slug;
use std::collections::BTreeMap;

/// What values an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, serde::Serialize)]
pub enum AttributeKind {
    /// Any text.
    Text,
    /// An exact decimal.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of a list.
    Enum,
    /// A day: `2026-11-24`.
    Date,
}

impl From<&model::AttributeKind> for AttributeKind {
    fn from(kind: &model::AttributeKind) -> Self {
        match kind {
            model::AttributeKind::Text => Self::Text,
            model::AttributeKind::Number => Self::Number,
            model::AttributeKind::Boolean => Self::Boolean,
            model::AttributeKind::Enum { .. } => Self::Enum,
            model::AttributeKind::Date => Self::Date,
        }
    }
}

/// Whether all variants share a value or each has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "AttributeLevel", remote = "AttributeLevel")]
pub enum GraphAttributeLevel {
    /// One value per product.
    Product,
    /// One value per variant.
    Variant,
}

/// An attribute that products of a type have.
pub struct GraphAttributeDefinition(AttributeDefinition);

/// An attribute that products of a type have.
#[Object(name = "AttributeDefinition")]
impl GraphAttributeDefinition {
    /// Its key, unique within the type.
    async fn key(&self) -> String {
        self.0.key.to_string()
    }

    /// Its name in the language of the request, or the nearest there is.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(reader::text(ctx, &self.0.name)?.unwrap_or_default().to_owned())
    }

    /// What values it has.
    async fn kind(&self) -> AttributeKind {
        (&self.0.kind).into()
    }

    /// The list of values of an enum; empty for other kinds.
    async fn values(&self) -> Vec<String> {
        match &self.0.kind {
            model::AttributeKind::Enum { values } => values.clone(),
            _ => vec![],
        }
    }

    /// Whether a product cannot be without it.
    async fn required(&self) -> bool {
        self.0.required
    }

    /// Per product or per variant.
    async fn level(&self) -> GraphAttributeLevel {
        self.0.level.into()
    }
}

/// A kind of product: which attributes its products have.
pub struct GraphProductType(pub(super) ProductType);

/// A kind of product: which attributes its products have.
#[Object(name = "ProductType")]
impl GraphProductType {
    /// Its id.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Its key: never changes.
    async fn key(&self) -> String {
        self.0.key.to_string()
    }

    /// Its name in the language of the request, or the nearest there is.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(reader::text(ctx, &self.0.name)?.unwrap_or_default().to_owned())
    }

    /// Its attributes, in the order in which they are shown.
    async fn attributes(&self) -> Vec<GraphAttributeDefinition> {
        self.0.attributes.iter().cloned().map(GraphAttributeDefinition).collect()
    }
}

/// A value of an attribute.
#[derive(Debug, Clone, SimpleObject)]
pub struct ProductAttribute {
    /// Key of the attribute.
    key: String,
    /// Its name in the language of the request.
    name: String,
    /// What values it has.
    kind: AttributeKind,
    /// The value as text: a decimal, `true`, a day, or the text itself.
    value: String,
}

/// Values in the order of the type's attributes.
pub(super) fn attributes(
    ctx: &Context<'_>,
    product_type: &Slug,
    values: &BTreeMap<Slug, AttributeValue>,
) -> Result<Vec<ProductAttribute>> {
    let types = ctx.data::<CatalogService>()?.product_types();
    let Some(kind) = types.get(product_type) else { return Ok(vec![]) };
    let mut shown = Vec::with_capacity(values.len());
    for definition in &kind.attributes {
        let Some(value) = values.get(&definition.key) else { continue };
        shown.push(ProductAttribute {
            key: definition.key.to_string(),
            name: reader::text(ctx, &definition.name)?.unwrap_or_default().to_owned(),
            kind: (&definition.kind).into(),
            value: value.to_string(),
        });
    }
    Ok(shown)
}
