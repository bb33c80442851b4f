//! What a provider's word does to a payment: decisions only.

use crate::model::{Entry, EntryKind, Intent, Payment};
use emporia_contracts::payments::{PaymentState, ProviderAuthorisation, ProviderStatus};
use jiff::{SignedDuration, Timestamp};

/// When an undecided payment is looked up at the provider.
pub(crate) const LOOK_UP: SignedDuration = SignedDuration::from_secs(15);

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Pending,
    ActionRequired,
    Authorised,
    Failed,
    Voided,
    Expired,
}

/// Applies what the provider says. Words that come late or twice change nothing.
pub(crate) fn apply(payment: &mut Payment, said: &ProviderAuthorisation, now: Timestamp) -> Change {
    use PaymentState as S;
    payment.provider_id = Some(said.provider_id.clone());
    payment.card_brand = said.card_brand.clone().or(payment.card_brand.take());
    payment.card_last4 = said.card_last4.clone().or(payment.card_last4.take());
    let undecided = matches!(payment.state, S::Created | S::Pending | S::RequiresAction);
    match &said.status {
        ProviderStatus::Authorised if undecided && said.amount == payment.amount => {
            settle(payment, S::Authorised);
            payment.authorised_until = said.authorised_until;
            payment.due = if payment.give_up.is_some() { Some(now) } else { said.authorised_until };
            let (amount, key) = (payment.amount, payment.id.to_string());
            payment.entries.push(Entry { kind: EntryKind::Authorisation, amount, key, at: now });
            Change::Authorised
        }
        ProviderStatus::Authorised if undecided => {
            // Not what was asked for: nobody may rest on it.
            payment.give_up = Some("the provider authorised another amount".into());
            settle(payment, S::Failed);
            payment.decline_code = Some("amount_mismatch".into());
            payment.due = Some(now);
            Change::Failed
        }
        ProviderStatus::Declined { code } if undecided => {
            settle(payment, S::Failed);
            payment.decline_code = Some(code.clone());
            payment.due = None;
            Change::Failed
        }
        ProviderStatus::RequiresAction { url } if matches!(payment.state, S::Created | S::Pending) => {
            payment.state = S::RequiresAction;
            payment.action_url = Some(url.clone());
            payment.due = Some(now + LOOK_UP);
            Change::ActionRequired
        }
        ProviderStatus::Pending if payment.state == S::Created => {
            payment.state = S::Pending;
            payment.due = Some(now + LOOK_UP);
            Change::Pending
        }
        ProviderStatus::Voided if undecided || payment.state == S::Authorised => {
            settle(payment, S::Voided);
            payment.due = None;
            Change::Voided
        }
        ProviderStatus::Expired if undecided || payment.state == S::Authorised => {
            settle(payment, S::Expired);
            payment.due = None;
            Change::Expired
        }
        _ => Change::None,
    }
}

/// A state in which the means of payment is no longer needed.
fn settle(payment: &mut Payment, state: PaymentState) {
    payment.state = state;
    payment.method = None;
    payment.action_url = None;
}

/// Enters a noted operation that the provider has done. `None` when it was entered before.
pub(crate) fn done(payment: &mut Payment, key: &str, now: Timestamp) -> Option<Intent> {
    let at = payment.intents.iter().position(|i| i.key == key)?;
    let intent = payment.intents.remove(at);
    let (kind, amount, key) = (intent.kind, intent.amount, intent.key.clone());
    payment.entries.push(Entry { kind, amount, key, at: now });
    payment.state = match kind {
        EntryKind::Capture if payment.state != PaymentState::Disputed => PaymentState::Captured,
        EntryKind::Refund => PaymentState::Refunded,
        EntryKind::Void if payment.sum(EntryKind::Capture) == 0 => PaymentState::Voided,
        _ => payment.state,
    };
    if kind == EntryKind::Void {
        payment.give_up = None;
        payment.due = None;
    }
    Some(intent)
}
