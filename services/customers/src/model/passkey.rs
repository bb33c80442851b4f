use crate::model::Holder;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use emporia_auth::secret_hash;
use emporia_store::{Document, Key};
use emporia_vault::Sealed;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude as webauthn;

/// Passkeys of one holder.
pub(crate) const MOST_PASSKEYS: usize = 20;

/// A public key whose private half never leaves the holder's device, or the devices that he shares it among.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Passkey {
    pub(crate) holder: Holder,
    /// Hash of the credential's id.
    pub(crate) id: String,
    /// What the holder calls it.
    pub(crate) name: Sealed,
    /// Public key and counter.
    pub(crate) credential: webauthn::Passkey,
    pub(crate) created_at: Timestamp,
    pub(crate) used_at: Option<Timestamp>,
}

impl Passkey {
    /// What a credential's id is known by here.
    pub(crate) fn id_of(credential: &[u8]) -> String {
        secret_hash(&BASE64_URL_SAFE_NO_PAD.encode(credential))
    }

    pub(crate) fn key_of(holder: Holder, id: &str) -> Key {
        Self::all_of(holder).child(id)
    }

    /// The partition of all passkeys of one holder.
    pub(crate) fn all_of(holder: Holder) -> Key {
        Key::of(Self::COLLECTION, holder.to_string())
    }
}

impl Document for Passkey {
    const COLLECTION: &'static str = "passkey";

    fn key(&self) -> Key {
        Self::key_of(self.holder, &self.id)
    }
}

/// A challenge that a device was given, until it answers: once, and for what it was given for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ceremony {
    /// Hash of the secret that leads to it.
    pub(crate) hash: String,
    pub(crate) purpose: CeremonyPurpose,
    pub(crate) expires_at: Timestamp,
}

/// What a challenge is good for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CeremonyPurpose {
    /// A holder who is signed in registers a passkey.
    Register { holder: Holder, state: webauthn::PasskeyRegistration },
    /// A customer signs in; who he is comes with the answer.
    SignIn { state: webauthn::DiscoverableAuthentication },
    /// An operator does his second step.
    SecondStep {
        /// Hash of the secret that leads to his [`super::HalfSignIn`].
        half: String,
        state: webauthn::PasskeyAuthentication,
    },
}

impl Ceremony {
    pub(crate) fn key_of(hash: &str) -> Key {
        Key::of(Self::COLLECTION, hash)
    }
}

impl Document for Ceremony {
    const COLLECTION: &'static str = "ceremony";

    fn key(&self) -> Key {
        Self::key_of(&self.hash)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
