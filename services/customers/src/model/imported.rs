use emporia_contracts::{ids::CustomerId, values::ExternalId};
use emporia_store::{Document, Key};
use serde::{Deserialize, Serialize};

/// A customer that another system knows and tells nothing about but a number: no account, no person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImportedCustomer {
    pub(crate) external_id: ExternalId,
    pub(crate) customer: CustomerId,
}

impl ImportedCustomer {
    pub(crate) fn key_of(external_id: &ExternalId) -> Key {
        Key::of(Self::COLLECTION, external_id.as_str())
    }
}

impl Document for ImportedCustomer {
    const COLLECTION: &'static str = "imported-customer";

    fn key(&self) -> Key {
        Self::key_of(&self.external_id)
    }
}
