//! The types that go over the wire, used by the server and by [`crate::client`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where an authorisation stands. Captured and refunded amounts are told beside it, not by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorisationStatus {
    /// The issuer has not answered yet; a webhook will say.
    Pending,
    /// The shopper must pass a 3-D Secure challenge at `actionUrl`.
    RequiresAction,
    /// The amount is held and may be captured until `authorisedUntil`.
    Authorised,
    /// Refused by the issuer or failed in the challenge; `declineCode` says why.
    Declined,
    /// What was not captured is released; nothing more can be captured.
    Voided,
    /// Time ran out; what was not captured is released.
    Expired,
}

/// Why an issuer declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineCode {
    /// No reason given.
    Generic,
    /// Not enough money on the account.
    InsufficientFunds,
    /// The card was reported lost.
    LostCard,
    /// The issuer says the card has expired.
    ExpiredCard,
    /// The security code is wrong.
    IncorrectCvc,
    /// The issuer suspects fraud.
    Fraud,
    /// The shopper failed or refused the 3-D Secure challenge.
    AuthenticationFailed,
}

/// Opens a hosted card page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionRequest {
    /// Shown to the shopper; a token made on this page can only authorise this amount.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The merchant's own name for the purchase, shown to the shopper.
    pub reference: String,
    /// Where the shopper goes with the token; without it the token is shown to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

/// A hosted card page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// `ses_…`
    pub id: String,
    /// Where to send the shopper.
    pub url: String,
    /// When the page stops working.
    pub expires: Timestamp,
}

/// A card as typed. It has no `Debug`, so that it cannot be logged.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CardDetails {
    /// The number; spaces and hyphens are ignored.
    pub number: String,
    /// 1 to 12.
    pub exp_month: u8,
    /// Four digits.
    pub exp_year: u16,
    /// The security code.
    pub cvc: String,
}

/// Stands for a card, once, for 30 minutes. Its `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// `tok_…`
    pub token: String,
    /// `visa`, `mastercard` or `amex`.
    pub brand: String,
    /// The last four digits of the number.
    pub last4: String,
    /// When it stops working.
    pub expires: Timestamp,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("brand", &self.brand)
            .field("last4", &self.last4)
            .finish_non_exhaustive()
    }
}

/// Asks for an amount to be held on a card. Its `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthorisationRequest {
    /// From the hosted page or `POST /v1/tokens`.
    pub token: String,
    /// Exactly this amount is authorised, or nothing.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The merchant's own name for the payment, by which it can be found again.
    pub reference: String,
    /// Where the shopper goes after a 3-D Secure challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

impl std::fmt::Debug for AuthorisationRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorisationRequest")
            .field("amount_minor", &self.amount_minor)
            .field("currency", &self.currency)
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

/// An authorisation as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorisation {
    /// `aut_…`
    pub id: String,
    /// Where it stands.
    pub status: AuthorisationStatus,
    /// Set when declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<DeclineCode>,
    /// Set when `requires_action`: where to send the shopper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_url: Option<String>,
    /// The amount asked for.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The merchant's reference.
    pub reference: String,
    /// Captures are accepted before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorised_until: Option<Timestamp>,
    /// `visa`, `mastercard` or `amex`.
    pub card_brand: String,
    /// The last four digits of the number.
    pub last4: String,
    /// Sum of the captures.
    pub captured_minor: i64,
    /// Sum of the refunds; never more than captured.
    pub refunded_minor: i64,
    /// Sum of the disputes opened.
    pub disputed_minor: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The amount of a capture or refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AmountRequest {
    /// At least 1.
    pub amount_minor: i64,
}

/// Opens a dispute, as a cardholder's bank would.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DisputeRequest {
    /// Default: all that is captured, not refunded and not disputed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// The cardholder's reason, such as `fraudulent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The kinds of [`Movement`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementType {
    /// Money taken out of the held amount.
    Capture,
    /// The rest of the held amount released.
    Void,
    /// Captured money given back.
    Refund,
    /// Captured money contested by the cardholder.
    Dispute,
}

/// What a capture, void, refund or dispute did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Movement {
    /// `cap_…`, `voi_…`, `ref_…` or `dsp_…`
    pub id: String,
    /// What was done.
    #[serde(rename = "type")]
    pub kind: MovementType,
    /// How much.
    pub amount_minor: i64,
    /// The authorisation afterwards.
    pub authorisation: Authorisation,
}

/// The kinds of ledger entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryType {
    /// An amount was held.
    Authorise,
    /// An amount was captured.
    Capture,
    /// The uncaptured rest was released on request (0 when nothing was held yet).
    Void,
    /// An amount was refunded.
    Refund,
    /// An amount was not authorised.
    Decline,
    /// The uncaptured rest was released because time ran out (0 when nothing was held yet).
    Expire,
    /// A dispute was opened.
    Dispute,
}

/// One line of the append-only ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// Ascending; the cursor of the listing.
    pub sequence: i64,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EntryType,
    /// To which authorisation.
    pub authorisation: String,
    /// Its merchant reference.
    pub reference: String,
    /// How much.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// When.
    pub at: Timestamp,
    /// The id of the capture, void, refund or dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub movement: Option<String>,
    /// Set on declines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<DeclineCode>,
    /// The key of the merchant's call that caused it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// One attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Ascending; the cursor of the listing.
    pub sequence: i64,
    /// The `webhook-id`.
    pub webhook_id: String,
    /// Such as `authorisation.captured`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// About which authorisation.
    pub authorisation: String,
    /// Counts from 1.
    pub attempt: i64,
    /// When it was sent.
    pub at: Timestamp,
    /// Whether the merchant accepted it with a 2xx.
    pub delivered: bool,
    /// The merchant's answer, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<i64>,
    /// Why no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A page of a listing, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass it as `cursor` for what follows; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Faults for tests. Counts hold for the next `POST /v1/authorisations…` calls; setting replaces what was set before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultsRequest {
    /// Every merchant call answers this much later.
    #[serde(default)]
    pub latency_ms: u64,
    /// The next calls answer 500 and do nothing.
    #[serde(default)]
    pub fail_next: u32,
    /// The next calls do their work, then the connection closes without an answer.
    #[serde(default)]
    pub drop_next: u32,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name in the request.
    pub field: String,
    /// What to do about it.
    pub message: String,
}

impl FieldError {
    pub(crate) fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Problem details (RFC 9457) with a stable `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable, `UPPER_SNAKE`.
    pub code: String,
    /// What happened and what to do.
    pub detail: String,
    /// By field, for `VALIDATION_FAILED`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}
