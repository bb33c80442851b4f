use crate::{
    commands::{CatalogRefusal, checks},
    model::{AttributeDefinition, AttributeKind, ProductType, Texts},
};
use emporia_contracts::values::Slug;
use emporia_id::Ids;

/// Defines a product type, or changes the one with the key.
#[derive(Debug, Clone)]
pub struct DefineProductType {
    /// Its key.
    pub key: Slug,
    /// Its name for people.
    pub name: Texts,
    /// Its attributes, in the order in which they are shown.
    pub attributes: Vec<AttributeDefinition>,
}

/// Defines a product type. `None` when nothing would change.
///
/// An attribute keeps its kind and level while it is there, because products have values for it. The list of an enum
/// may change: products keep what they have until they are written again.
pub(crate) fn define(
    before: Option<&ProductType>,
    wanted: &DefineProductType,
    ids: &Ids,
) -> Result<Option<ProductType>, CatalogRefusal> {
    checks::title("name", &wanted.name, 120)?;
    checks::at_most("attributes", wanted.attributes.len(), 100, "attributes")?;
    for (place, attribute) in wanted.attributes.iter().enumerate() {
        let field = format!("attributes.{place}");
        if wanted.attributes.iter().take(place).any(|other| other.key == attribute.key) {
            return Err(CatalogRefusal::invalid(format!("{field}.key"), "comes twice"));
        }
        checks::title(&format!("{field}.name"), &attribute.name, 120)?;
        if let AttributeKind::Enum { values } = &attribute.kind {
            let field = format!("{field}.values");
            if values.is_empty() {
                return Err(CatalogRefusal::invalid(field, "an enum has at least one value"));
            }
            checks::at_most(&field, values.len(), 500, "values")?;
            values.iter().try_for_each(|value| checks::line(&field, value, 120))?;
        }
        let known = before.and_then(|b| b.attributes.iter().find(|known| known.key == attribute.key));
        if known
            .is_some_and(|known| (known.kind.name(), known.level) != (attribute.kind.name(), attribute.level))
        {
            return Err(CatalogRefusal::AttributeFixed(attribute.key.clone()));
        }
    }
    let defined = ProductType {
        id: before.map_or_else(|| ids.next(), |b| b.id),
        key: wanted.key.clone(),
        name: wanted.name.clone(),
        attributes: wanted.attributes.clone(),
    };
    Ok(Some(defined).filter(|defined| before != Some(defined)))
}
