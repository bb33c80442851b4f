//! A browser and a phone, in software.

use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::AvailableBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
        webauthn,
    },
};
use url::Url;

/// Whether the holder is verified by finger, face or PIN.
#[derive(Clone, Copy)]
struct Finger(bool);

#[async_trait::async_trait]
impl UserValidationMethod for Finger {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification: verification && self.0 })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        self.0.then_some(true)
    }
}

/// Keeps one passkey, with a counter.
#[derive(Clone)]
pub struct Device {
    key: Option<Passkey>,
    finger: Finger,
}

impl Device {
    pub fn new() -> Self {
        Self { key: None, finger: Finger(true) }
    }

    /// The same key in the hands of somebody else.
    pub fn clone_without_finger(&self) -> Self {
        Self { key: self.key.clone(), finger: Finger(false) }
    }

    fn authenticator(&self) -> Authenticator<Option<Passkey>, Finger, AvailableBackend> {
        let crypto = AvailableBackend;
        let mut device = Authenticator::new(Aaguid::new_empty(), self.key.clone(), self.finger, crypto);
        device.set_make_credentials_with_signature_counter(true);
        device
    }

    /// `navigator.credentials.create` on a page of this origin.
    pub async fn register(&mut self, origin: &str, options: &str) -> String {
        let public_key = serde_json::from_str(options).unwrap();
        let request = webauthn::CredentialCreationOptions { public_key };
        let mut browser = Client::new(self.authenticator());
        let origin = Url::parse(origin).unwrap();
        let made = browser.register(&origin, request, DefaultClientData).await.unwrap();
        self.key.clone_from(browser.authenticator().store());
        serde_json::to_string(&made).unwrap()
    }

    /// `navigator.credentials.get` on a page of this origin.
    pub async fn show(&mut self, origin: &str, options: &str) -> String {
        let public_key = serde_json::from_str(options).unwrap();
        let request = webauthn::CredentialRequestOptions { public_key };
        let mut browser = Client::new(self.authenticator());
        let origin = Url::parse(origin).unwrap();
        let shown = browser.authenticate(&origin, request, DefaultClientData).await.unwrap();
        self.key.clone_from(browser.authenticator().store());
        serde_json::to_string(&shown).unwrap()
    }
}

/// What a page asks that does not want the holder to be verified.
pub fn without_verification(options: &str) -> String {
    let mut options: serde_json::Value = serde_json::from_str(options).unwrap();
    options["userVerification"] = "discouraged".into();
    options.to_string()
}
