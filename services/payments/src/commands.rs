//! What a provider's word does to a payment: decisions only.

use crate::model::{Entry, EntryKind, Intent, Payment};
use emporia_contracts::payments::{PaymentRefusal, PaymentState, ProviderAuthorisation, ProviderStatus};
use emporia_events::EventMeta;
use emporia_money::Money;
use jiff::{SignedDuration, Timestamp};

/// When an undecided payment is looked up at the provider.
pub(crate) const LOOK_UP: SignedDuration = SignedDuration::from_secs(15);

/// When a payment that failed without the provider's word is looked up there: longer than any call is under way.
pub(crate) const CONFIRM: SignedDuration = SignedDuration::from_secs(60);

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
    payment.unconfirmed = false;
    payment.card_brand = said.card_brand.clone().or(payment.card_brand.take());
    payment.card_last4 = said.card_last4.clone().or(payment.card_last4.take());
    let undecided = undecided(payment);
    match &said.status {
        ProviderStatus::Authorised if undecided && said.amount == payment.amount => {
            settle(payment, S::Authorised);
            payment.authorised_until = said.authorised_until;
            payment.due = if payment.give_up.is_some() { Some(now) } else { said.authorised_until };
            let (amount, key) = (payment.amount, payment.id.to_string());
            payment.entries.push(Entry { kind: EntryKind::Authorisation, amount, key, at: now });
            // Nobody is to be woken by money that goes back at once.
            if payment.give_up.is_some() { Change::None } else { Change::Authorised }
        }
        ProviderStatus::Authorised if undecided => {
            // Not what was asked for: nobody may rest on it.
            payment.give_up = Some("the provider authorised another amount".into());
            settle(payment, S::Failed);
            payment.decline_code = Some("amount_mismatch".into());
            payment.due = Some(now);
            Change::Failed
        }
        ProviderStatus::Authorised if gone(payment) => {
            // It was given up here while the provider was still at it: the money must not stay held.
            payment.give_up = Some("authorised after it had ended".into());
            payment.due = Some(now);
            Change::None
        }
        ProviderStatus::Declined { code } if undecided => {
            settle(payment, S::Failed);
            payment.decline_code = Some(code.clone());
            // Nothing is held that could be given up.
            payment.give_up = None;
            payment.due = next_look(payment, now);
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
            payment.due = next_look(payment, now);
            Change::Voided
        }
        ProviderStatus::Expired if undecided || payment.state == S::Authorised => {
            settle(payment, S::Expired);
            payment.due = next_look(payment, now);
            Change::Expired
        }
        _ => Change::None,
    }
}

/// Ended without a hold and without a void noted or done.
fn gone(payment: &Payment) -> bool {
    matches!(payment.state, PaymentState::Failed | PaymentState::Voided | PaymentState::Expired)
        && payment.sum(EntryKind::Authorisation) == 0
        && !payment.entries.iter().any(|e| e.kind == EntryKind::Void)
}

/// Whether the provider has not said yes or no.
pub(crate) fn undecided(payment: &Payment) -> bool {
    matches!(payment.state, PaymentState::Created | PaymentState::Pending | PaymentState::RequiresAction)
}

/// A state in which the means of payment is no longer needed.
fn settle(payment: &mut Payment, state: PaymentState) {
    payment.state = state;
    payment.trouble = None;
    payment.method = None;
    payment.action_url = None;
}

/// Notes an operation once per key. True: it is still to be done.
pub(crate) fn note(payment: &mut Payment, intent: Intent) -> Result<bool, PaymentRefusal> {
    let entered = payment.entries.iter().find(|e| e.key == intent.key).map(|e| (e.kind, e.amount, false));
    let noted = payment.intents.iter().find(|i| i.key == intent.key).map(|i| (i.kind, i.amount, true));
    match entered.or(noted) {
        Some((kind, amount, open)) if kind == intent.kind && amount == intent.amount => Ok(open),
        Some(_) => Err(PaymentRefusal::Reused(payment.id)),
        None => {
            payment.intents.push(intent);
            Ok(true)
        }
    }
}

/// Whether a noted operation keeps within what is held or taken, beside what was entered and noted before it.
pub(crate) fn possible(payment: &Payment, intent: &Intent, now: Timestamp) -> Result<(), PaymentRefusal> {
    use PaymentState as S;
    let before = |kind| {
        let earlier = payment.intents.iter().take_while(|i| i.key != intent.key).filter(|i| i.kind == kind);
        payment.sum(kind) + earlier.map(|i| i.amount.minor()).sum::<i64>()
    };
    match intent.kind {
        EntryKind::Capture => {
            let ran_out = payment.authorised_until.is_some_and(|until| until <= now);
            let held = matches!(payment.state, S::Authorised | S::Captured | S::Refunded);
            if !held || ran_out || payment.give_up.is_some() {
                return Err(not_in(payment, "capture"));
            }
            let left = payment.sum(EntryKind::Authorisation) - before(EntryKind::Void);
            fits(payment, intent.amount, left - before(EntryKind::Capture))
        }
        EntryKind::Refund => {
            fits(payment, intent.amount, payment.sum(EntryKind::Capture) - before(EntryKind::Refund))
        }
        EntryKind::Void | EntryKind::Authorisation => Ok(()),
    }
}

fn not_in(payment: &Payment, operation: &str) -> PaymentRefusal {
    PaymentRefusal::State { payment: payment.id, state: payment.state, operation: operation.to_owned() }
}

fn fits(payment: &Payment, amount: Money, left: i64) -> Result<(), PaymentRefusal> {
    if amount.currency() != payment.amount.currency() || amount.minor() <= 0 || amount.minor() > left {
        return Err(PaymentRefusal::Amount { asked: amount, left: payment.money(left) });
    }
    Ok(())
}

/// Gives up what is held: one whose outcome is not known yet is voided as soon as it is.
pub(crate) fn give_up(payment: &mut Payment, reason: &str, now: Timestamp) -> Result<(), PaymentRefusal> {
    use PaymentState as S;
    match payment.state {
        // What is being taken cannot be given up any more.
        _ if payment.spoken_for(EntryKind::Capture) > 0 => return Err(not_in(payment, "void")),
        S::Failed | S::Voided | S::Expired => {}
        S::Created | S::Pending | S::RequiresAction | S::Authorised => {
            payment.give_up = Some(reason.to_owned());
            payment.due = Some(now);
        }
        S::Captured | S::Refunded | S::Disputed => return Err(not_in(payment, "void")),
    }
    Ok(())
}

/// Nothing more of it will be captured: what is held and not spoken for is given up.
pub(crate) fn give_up_rest(
    payment: &mut Payment,
    reason: &str,
    meta: &EventMeta,
    now: Timestamp,
) -> Result<(), PaymentRefusal> {
    let taken = payment.spoken_for(EntryKind::Capture);
    if taken == 0 {
        return give_up(payment, reason, now);
    }
    let rest = payment.sum(EntryKind::Authorisation) - taken - payment.spoken_for(EntryKind::Void);
    let ran_out = payment.authorised_until.is_some_and(|until| until <= now);
    if rest > 0 && !ran_out {
        let intent = Intent::void(payment.money(rest), format!("rest/{}", payment.id), reason.to_owned());
        note(payment, Intent { meta: Some(meta.clone()), ..intent })?;
    }
    Ok(())
}

/// Enters a noted operation that the provider has done. `None` when it was entered before.
pub(crate) fn done(payment: &mut Payment, key: &str, now: Timestamp) -> Option<Intent> {
    let at = payment.intents.iter().position(|i| i.key == key)?;
    let intent = payment.intents.remove(at);
    payment.trouble = None;
    let (kind, amount, key) = (intent.kind, intent.amount, intent.key.clone());
    payment.entries.push(Entry { kind, amount, key, at: now });
    payment.state = match kind {
        EntryKind::Capture if payment.state != PaymentState::Disputed => PaymentState::Captured,
        EntryKind::Refund if payment.state != PaymentState::Disputed => PaymentState::Refunded,
        EntryKind::Void if payment.state == PaymentState::Authorised || undecided(payment) => {
            PaymentState::Voided
        }
        _ => payment.state,
    };
    if kind == EntryKind::Void {
        payment.give_up = None;
        settle(payment, payment.state);
    }
    payment.due = next_look(payment, now);
    Some(intent)
}

/// Forgets a noted operation that will not be done. A payment that is given up and not decided stays so: what cannot
/// be cancelled yet is voided when it is authorised.
pub(crate) fn forget(payment: &mut Payment, key: &str, now: Timestamp) {
    let undecided = undecided(payment);
    payment.intents.retain(|intent| {
        let this = intent.key == key;
        if this && intent.kind == EntryKind::Void && !undecided {
            payment.give_up = None;
        }
        !this
    });
    if !undecided {
        payment.trouble = None;
    }
    payment.due = next_look(payment, now);
}

/// Whether the provider holds nothing more of a payment: then a void that it refuses is of no consequence.
pub(crate) fn holds_nothing(said: &ProviderAuthorisation) -> bool {
    matches!(said.status, ProviderStatus::Voided | ProviderStatus::Expired | ProviderStatus::Declined { .. })
        || said.captured_minor >= said.amount.minor()
}

/// When somebody should look at a payment that the provider has decided.
pub(crate) fn next_look(payment: &Payment, now: Timestamp) -> Option<Timestamp> {
    if payment.wants() {
        return Some(now + LOOK_UP);
    }
    payment.authorised_until.filter(|_| payment.state == PaymentState::Authorised)
}
