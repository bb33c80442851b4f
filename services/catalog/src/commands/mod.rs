//! What may be done to the catalogue: decisions only.

pub(crate) mod categories;
pub(crate) mod checks;
pub(crate) mod product_types;
pub(crate) mod products;

use emporia_contracts::{
    ids::ProductId,
    values::{ChannelKey, ExternalId, Sku, Slug},
};

/// Why the catalogue does not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogRefusal {
    /// A value is not acceptable.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which, as a dotted path: `variants.0.options`.
        field: String,
        /// What it should be.
        reason: String,
    },
    /// There is more of something than there may be.
    #[error("{field}: {reason}")]
    TooMuch {
        /// Of what, as a dotted path.
        field: String,
        /// How much there may be.
        reason: String,
    },
    /// There is no such product type.
    #[error("there is no product type \"{0}\": define it first")]
    UnknownType(Slug),
    /// There is no such category.
    #[error("there is no category \"{0}\": define it first")]
    UnknownCategory(String),
    /// There is no such channel.
    #[error("there is no channel \"{0}\"")]
    UnknownChannel(ChannelKey),
    /// There is no such product.
    #[error("there is no product {0}")]
    UnknownProduct(ProductId),
    /// Another product or category has the slug.
    #[error("the slug \"{0}\" is taken: choose another one")]
    SlugTaken(Slug),
    /// Another product has the SKU.
    #[error("SKU {sku} belongs to product {product}")]
    SkuTaken {
        /// The SKU.
        sku: Sku,
        /// The product that has it.
        product: ProductId,
    },
    /// Another product came from there.
    #[error("the external id \"{0}\" belongs to another product")]
    ExternalIdTaken(ExternalId),
    /// A request names one product twice.
    #[error("the same product comes twice in one request")]
    Twice,
    /// A category would be its own ancestor.
    #[error("category \"{0}\" cannot be below itself")]
    Cycle(Slug),
    /// Values of products rest on an attribute's kind and level.
    #[error("attribute \"{0}\" keeps its kind and level: define another attribute")]
    AttributeFixed(Slug),
    /// Somebody else changed it since it was read.
    #[error("the version is {actual}, not {expected}: read it again")]
    VersionConflict {
        /// What the caller had read.
        expected: i64,
        /// What it is.
        actual: i64,
    },
}

impl CatalogRefusal {
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    pub(crate) fn too_much(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::TooMuch { field: field.into(), reason: reason.into() }
    }

    /// Whether another product has a name that this one wants.
    pub(crate) const fn is_taken(&self) -> bool {
        matches!(self, Self::SlugTaken(_) | Self::SkuTaken { .. } | Self::ExternalIdTaken(_))
    }

    /// The part of the input that it is about, as a dotted path; empty for the whole.
    pub fn field(&self) -> &str {
        match self {
            Self::Invalid { field, .. } | Self::TooMuch { field, .. } => field,
            Self::UnknownType(_) => "productType",
            Self::UnknownCategory(_) => "categories",
            Self::UnknownChannel(_) => "channels",
            Self::UnknownProduct(_) => "id",
            Self::SlugTaken(_) => "slug",
            Self::SkuTaken { .. } => "variants",
            Self::ExternalIdTaken(_) => "externalId",
            Self::Twice => "",
            Self::Cycle(_) => "parent",
            Self::AttributeFixed(_) => "attributes",
            Self::VersionConflict { .. } => "expectedVersion",
        }
    }
}
