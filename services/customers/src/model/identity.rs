use crate::model::Holder;
use emporia_contracts::ids::CustomerId;
use emporia_store::{Document, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Identities of other providers that lead to one account.
pub(crate) const MOST_IDENTITIES: usize = 20;

/// Somebody whom a provider knows, by the keyed hash of issuer and subject: it leads to one account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExternalIdentity {
    pub(crate) hash: String,
    pub(crate) customer: CustomerId,
}

impl ExternalIdentity {
    pub(crate) fn key_of(hash: &str) -> Key {
        Key::of(Self::COLLECTION, hash)
    }
}

impl Document for ExternalIdentity {
    const COLLECTION: &'static str = "external-identity";

    fn key(&self) -> Key {
        Self::key_of(&self.hash)
    }
}

/// From an account to the identities that lead to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LinkedIdentity {
    pub(crate) customer: CustomerId,
    /// Of its [`ExternalIdentity`].
    pub(crate) hash: String,
    /// The provider, by its name in the API.
    pub(crate) provider: String,
    pub(crate) linked_at: Timestamp,
}

impl LinkedIdentity {
    /// The partition of all of one account.
    pub(crate) fn all_of(customer: CustomerId) -> Key {
        Key::of(Self::COLLECTION, Holder::Customer(customer).to_string())
    }

    pub(crate) fn key_of(customer: CustomerId, hash: &str) -> Key {
        Self::all_of(customer).child(hash)
    }
}

impl Document for LinkedIdentity {
    const COLLECTION: &'static str = "linked-identity";

    fn key(&self) -> Key {
        Self::key_of(self.customer, &self.hash)
    }
}

/// That somebody is on his way to a provider and back. What has to stay secret on the way is made of the secret that leads
/// here, and is not kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ProviderJourney {
    /// Hash of the secret.
    pub(crate) hash: String,
    pub(crate) provider: String,
    pub(crate) redirect_uri: String,
    pub(crate) expires_at: Timestamp,
}

impl ProviderJourney {
    pub(crate) fn key_of(hash: &str) -> Key {
        Key::of(Self::COLLECTION, hash)
    }
}

impl Document for ProviderJourney {
    const COLLECTION: &'static str = "provider-journey";

    fn key(&self) -> Key {
        Self::key_of(&self.hash)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
