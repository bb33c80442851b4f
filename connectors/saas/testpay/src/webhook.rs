//! Webhooks as the Standard Webhooks specification has them: signing, and verifying what was received.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::api::{Authorisation, MovementType};

/// The header with the message's id: the same for every attempt, so it tells duplicates.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the time of the attempt in Unix seconds.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with one or more signatures, separated by spaces.
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// How far the time of an attempt may be from ours: 5 minutes.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// What a webhook is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum EventType {
    /// `authorisation.authorised`
    Authorised,
    /// `authorisation.declined`
    Declined,
    /// `authorisation.pending`
    Pending,
    /// `authorisation.captured`
    Captured,
    /// `authorisation.voided`
    Voided,
    /// `authorisation.refunded`
    Refunded,
    /// `authorisation.expired`
    Expired,
    /// `dispute.opened`
    DisputeOpened,
    /// A type this version does not know: keep it, do not fail on it.
    Other(String),
}

const NAMES: [(EventType, &str); 8] = [
    (EventType::Authorised, "authorisation.authorised"),
    (EventType::Declined, "authorisation.declined"),
    (EventType::Pending, "authorisation.pending"),
    (EventType::Captured, "authorisation.captured"),
    (EventType::Voided, "authorisation.voided"),
    (EventType::Refunded, "authorisation.refunded"),
    (EventType::Expired, "authorisation.expired"),
    (EventType::DisputeOpened, "dispute.opened"),
];

impl From<String> for EventType {
    fn from(name: String) -> Self {
        NAMES.into_iter().find(|(_, known)| *known == name).map_or(Self::Other(name), |(event, _)| event)
    }
}

impl From<EventType> for String {
    fn from(event: EventType) -> Self {
        event.to_string()
    }
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other(name) => f.write_str(name),
            known => f.write_str(NAMES.iter().find(|(event, _)| event == known).map_or("", |(_, name)| name)),
        }
    }
}

/// What a webhook tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// `evt_…`, equal to the `webhook-id` header.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it happened.
    pub timestamp: Timestamp,
    /// The facts.
    pub data: EventData,
}

/// The facts of a [`WebhookEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventData {
    /// Counts the events of one authorisation from 1 without gaps, so a receiver sees what is missing or old.
    pub sequence: i64,
    /// The authorisation right after it happened.
    pub authorisation: Authorisation,
    /// The capture, void, refund or dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub movement: Option<EventMovement>,
}

/// What moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventMovement {
    /// `cap_…`, `voi_…`, `ref_…` or `dsp_…`
    pub id: String,
    /// What was done.
    #[serde(rename = "type")]
    pub kind: MovementType,
    /// How much.
    pub amount_minor: i64,
    /// The reason of a dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a received webhook is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Our own configuration is wrong.
    #[error("the signing secret is wrong: {0}")]
    Secret(#[from] SecretError),
    /// A header is missing or unreadable.
    #[error("the header {0} is missing or unreadable")]
    Header(&'static str),
    /// The attempt is older than the tolerance: perhaps a replay.
    #[error("the webhook is too old")]
    TooOld,
    /// The attempt lies further in the future than the tolerance.
    #[error("the webhook comes from the future")]
    TooNew,
    /// No signature fits.
    #[error("no signature of the webhook fits")]
    Signature,
    /// Signed, but not a body we understand: keep it raw and look at it.
    #[error("the webhook is signed but its body is not understood: {0}")]
    Body(String),
}

/// Why a text is no signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It starts with something else.
    #[error("it must start with whsec_")]
    Prefix,
    /// The rest is not base 64.
    #[error("what follows whsec_ must be base 64")]
    Base64,
    /// Too short to be safe or too long.
    #[error("it must hold 24 to 64 bytes")]
    Length,
}

/// A parsed `whsec_…` secret.
#[derive(Clone)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// Parses `whsec_` and the base 64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix("whsec_").ok_or(SecretError::Prefix)?;
        let key = STANDARD.decode(encoded).map_err(|_| SecretError::Base64)?;
        if !(24..=64).contains(&key.len()) {
            return Err(SecretError::Length);
        }
        Ok(Self(key))
    }

    fn mac(&self, id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
        // HMAC takes keys of every length, so this never fails.
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(&self.0).expect("HMAC takes keys of every length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        mac
    }

    /// The value of the signature header for one attempt.
    pub fn sign(&self, id: &str, attempted_at: Timestamp, body: &[u8]) -> String {
        let signature = self.mac(id, attempted_at.as_second(), body).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(signature))
    }
}

/// Checks the signature (in constant time) and the time of a received webhook, and only then parses it.
///
/// A webhook may come more than once: remember [`WebhookEvent::id`].
pub fn verify(
    secret: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
    tolerance: Duration,
) -> Result<WebhookEvent, WebhookError> {
    let secret = SigningSecret::parse(secret)?;
    let header = |name: &'static str| {
        headers.get(name).and_then(|value| value.to_str().ok()).ok_or(WebhookError::Header(name))
    };
    let id = header(ID_HEADER)?;
    let timestamp: i64 =
        header(TIMESTAMP_HEADER)?.parse().map_err(|_| WebhookError::Header(TIMESTAMP_HEADER))?;
    let tolerance = i64::try_from(tolerance.as_secs()).unwrap_or(i64::MAX);
    let age = now.as_second().saturating_sub(timestamp);
    if age > tolerance {
        return Err(WebhookError::TooOld);
    }
    if age < tolerance.saturating_neg() {
        return Err(WebhookError::TooNew);
    }
    let fits = header(SIGNATURE_HEADER)?
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        // `verify_slice` compares in constant time.
        .any(|signature| secret.mac(id, timestamp, body).verify_slice(&signature).is_ok());
    if !fits {
        return Err(WebhookError::Signature);
    }
    serde_json::from_slice(body).map_err(|error| WebhookError::Body(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SENT: i64 = 1_614_265_330;

    fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ID_HEADER, id.parse().unwrap());
        headers.insert(TIMESTAMP_HEADER, timestamp.parse().unwrap());
        headers.insert(SIGNATURE_HEADER, signature.parse().unwrap());
        headers
    }

    fn verify_at(seconds: i64, headers: &HeaderMap, body: &[u8]) -> Result<WebhookEvent, WebhookError> {
        verify(SECRET, headers, body, Timestamp::from_second(seconds).unwrap(), DEFAULT_TOLERANCE)
    }

    #[test]
    fn signs_as_the_reference_implementations_do() {
        // The test vector of the Standard Webhooks libraries.
        let secret = SigningSecret::parse(SECRET).unwrap();
        let time = Timestamp::from_second(SENT).unwrap();
        assert_eq!(
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time, br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_webhook_is_believed_only_in_its_window_and_with_one_fitting_signature() {
        let body = br#"{"test": 2432232314}"#;
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let sent = SENT.to_string();
        // The signature fits when the body is looked at at all.
        let signed = |result| matches!(result, Err(WebhookError::Body(_)));
        assert!(signed(verify_at(SENT, &headers(id, &sent, good), body)));
        assert!(signed(verify_at(SENT + 300, &headers(id, &sent, good), body)));
        assert!(signed(verify_at(SENT - 300, &headers(id, &sent, good), body)));
        let several = format!("v1a,xyz v1,!!! v1,AAAA {good}");
        assert!(signed(verify_at(SENT, &headers(id, &sent, &several), body)));

        assert_eq!(verify_at(SENT + 301, &headers(id, &sent, good), body), Err(WebhookError::TooOld));
        assert_eq!(verify_at(SENT - 301, &headers(id, &sent, good), body), Err(WebhookError::TooNew));
        assert_eq!(verify_at(SENT, &headers("msg_other", &sent, good), body), Err(WebhookError::Signature));
        assert_eq!(verify_at(SENT, &headers(id, &sent, good), b"{}"), Err(WebhookError::Signature));
        let later = (SENT + 1).to_string();
        assert_eq!(verify_at(SENT, &headers(id, &later, good), body), Err(WebhookError::Signature));
        assert_eq!(verify_at(SENT, &headers(id, &sent, "v1,"), body), Err(WebhookError::Signature));
        let far = i64::MIN.to_string();
        assert_eq!(verify_at(SENT, &headers(id, &far, good), body), Err(WebhookError::TooOld));
        assert_eq!(verify_at(SENT, &HeaderMap::new(), body), Err(WebhookError::Header(ID_HEADER)));
    }

    #[test]
    fn an_unknown_type_is_kept() {
        let event: EventType = serde_json::from_str("\"authorisation.renamed\"").unwrap();
        assert_eq!(event, EventType::Other("authorisation.renamed".into()));
        assert_eq!(serde_json::to_string(&event).unwrap(), "\"authorisation.renamed\"");
    }

    #[test]
    fn a_wrong_secret_is_told_apart() {
        assert_eq!(SigningSecret::parse("MfKQ").err(), Some(SecretError::Prefix));
        assert_eq!(SigningSecret::parse("whsec_*").err(), Some(SecretError::Base64));
        assert_eq!(SigningSecret::parse("whsec_MfKQ").err(), Some(SecretError::Length));
    }
}
