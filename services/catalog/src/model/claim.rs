use emporia_contracts::{
    ids::ProductId,
    values::{ExternalId, Sku, Slug},
};
use emporia_store::{Document, Key};
use serde::{Deserialize, Serialize};

/// A name that belongs to one product only. It is a document of its own: it can be read in batches by key, and two
/// products that want the same name meet in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) product: ProductId,
}

/// What kind of name is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed<'a> {
    Sku(&'a Sku),
    Slug(&'a Slug),
    ExternalId(&'a ExternalId),
}

impl Claimed<'_> {
    fn name(self) -> String {
        match self {
            Self::Sku(sku) => format!("sku/{sku}"),
            Self::Slug(slug) => format!("slug/{slug}"),
            Self::ExternalId(id) => format!("external/{id}"),
        }
    }

    pub(crate) fn key(self) -> Key {
        Key::of(Claim::COLLECTION, self.name())
    }

    pub(crate) fn by(self, product: ProductId) -> Claim {
        Claim { name: self.name(), product }
    }
}

impl Document for Claim {
    const COLLECTION: &'static str = "claim";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, self.name.as_str())
    }
}
