//! The life of an authorisation: pure decisions, no I/O.
//!
//! ```text
//! pending ─────────┬→ authorised → voided / expired
//! requires_action ─┤
//!                  └→ declined      (pending and requires_action may be voided, requires_action expires)
//! ```
//! Amounts always satisfy 0 ≤ refunded ≤ captured ≤ amount.

use jiff::Timestamp;

use crate::{
    api::{AuthorisationRequest, AuthorisationStatus as Status, DeclineCode, MovementType},
    cards::{Behaviour, TestCard},
    config::Timings,
    ids,
    ledger::later,
};

#[derive(Debug, Clone)]
pub(crate) struct Authorisation {
    pub(crate) id: String,
    pub(crate) reference: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) card: &'static TestCard,
    pub(crate) return_url: Option<String>,
    pub(crate) status: Status,
    pub(crate) decline_code: Option<DeclineCode>,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
    pub(crate) disputed: i64,
    pub(crate) authorised_until: Option<Timestamp>,
    /// When the worker has to resolve or expire it.
    pub(crate) deadline: Option<Timestamp>,
    /// Webhooks made so far.
    pub(crate) events: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What a decision came to; told to the ledger and to the merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    Pending,
    RequiresAction,
    Authorised,
    Declined,
    Expired { released: i64 },
    Moved(Moved),
}

/// A capture, void, refund or dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) kind: MovementType,
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) reason: Option<String>,
}

/// Why a call is refused. Nothing was done, and the same call with the same key is refused for ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("No authorisation has this id.")]
    AuthorisationUnknown,
    #[error("This token does not exist. Tokens come from the hosted page or POST /v1/tokens.")]
    TokenUnknown,
    #[error("This token has expired. Tokens live for a limited time; ask the shopper for the card again.")]
    TokenExpired,
    #[error("This token was used before. A token authorises once; ask the shopper for the card again.")]
    TokenUsed,
    #[error(
        "The shopper agreed to {agreed} on the card page, the authorisation asks for {asked}. Open a new session."
    )]
    AmountDiffersFromSession { agreed: String, asked: String },
    #[error("The authorisation is {}; this needs one that is authorised.", status_word(*.0))]
    NotAuthorised(Status),
    #[error("The authorisation has expired; what was not captured is released.")]
    Expired,
    #[error("Only {left} of the authorised amount is left to capture, in minor units.")]
    ExceedsAuthorised { left: i64 },
    #[error("Only {left} of the captured amount is left for this, in minor units.")]
    ExceedsCaptured { left: i64 },
    #[error("Everything is captured, nothing is left to void. Refund instead.")]
    AlreadyCaptured,
    #[error("The issuer refused the capture.")]
    CaptureFailed,
}

impl Refusal {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::AuthorisationUnknown => "AUTHORISATION_UNKNOWN",
            Self::TokenUnknown => "TOKEN_UNKNOWN",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::TokenUsed => "TOKEN_USED",
            Self::AmountDiffersFromSession { .. } => "AMOUNT_DIFFERS_FROM_SESSION",
            Self::NotAuthorised(_) => "NOT_AUTHORISED",
            Self::Expired => "AUTHORISATION_EXPIRED",
            Self::ExceedsAuthorised { .. } => "AMOUNT_EXCEEDS_AUTHORISED",
            Self::ExceedsCaptured { .. } => "AMOUNT_EXCEEDS_CAPTURED",
            Self::AlreadyCaptured => "ALREADY_CAPTURED",
            Self::CaptureFailed => "CAPTURE_FAILED",
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::AuthorisationUnknown => 404,
            _ => 422,
        }
    }
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::RequiresAction => "waiting for a challenge",
        Status::Authorised => "authorised",
        Status::Declined => "declined",
        Status::Voided => "voided",
        Status::Expired => "expired",
    }
}

impl Authorisation {
    /// Decides a new authorisation by its card. The server-error card never gets here.
    pub(crate) fn decide(
        request: AuthorisationRequest,
        card: &'static TestCard,
        now: Timestamp,
        timings: &Timings,
    ) -> (Self, Happened) {
        let mut new = Self {
            id: ids::new("aut"),
            reference: request.reference,
            amount: request.amount_minor,
            currency: request.currency,
            card,
            return_url: request.return_url,
            status: Status::Pending,
            decline_code: None,
            captured: 0,
            refunded: 0,
            disputed: 0,
            authorised_until: None,
            deadline: None,
            events: 0,
            created_at: now,
            updated_at: now,
        };
        let happened = match card.behaviour {
            Behaviour::Decline(code) => new.decline(code),
            Behaviour::Challenge => {
                new.status = Status::RequiresAction;
                new.deadline = Some(later(now, timings.session_validity));
                Happened::RequiresAction
            }
            Behaviour::PendingThenApprove | Behaviour::PendingThenDecline | Behaviour::LateWebhooks => {
                new.deadline = Some(later(now, timings.pending));
                Happened::Pending
            }
            Behaviour::Approve
            | Behaviour::Timeout
            | Behaviour::Slow
            | Behaviour::ServerError
            | Behaviour::DuplicateWebhooks
            | Behaviour::CaptureFails => new.authorise(now, timings),
        };
        (new, happened)
    }

    fn authorise(&mut self, now: Timestamp, timings: &Timings) -> Happened {
        let until = later(now, timings.authorisation_validity);
        self.status = Status::Authorised;
        self.authorised_until = Some(until);
        self.deadline = Some(until);
        Happened::Authorised
    }

    fn decline(&mut self, code: DeclineCode) -> Happened {
        self.status = Status::Declined;
        self.decline_code = Some(code);
        self.deadline = None;
        Happened::Declined
    }

    /// The shopper's answer to the challenge. `None` when there is no challenge to answer (any more).
    pub(crate) fn answer_challenge(
        &mut self,
        approved: bool,
        now: Timestamp,
        timings: &Timings,
    ) -> Option<Happened> {
        if !self.awaits_challenge(now) {
            return None;
        }
        Some(match approved {
            true => self.authorise(now, timings),
            false => self.decline(DeclineCode::AuthenticationFailed),
        })
    }

    pub(crate) fn awaits_challenge(&self, now: Timestamp) -> bool {
        self.status == Status::RequiresAction && self.deadline.is_some_and(|deadline| now < deadline)
    }

    /// What becomes of it when its deadline has passed. `None` when it has not.
    pub(crate) fn pass_deadline(&mut self, now: Timestamp, timings: &Timings) -> Option<Happened> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return None;
        }
        match (self.status, self.card.behaviour) {
            (Status::Pending, Behaviour::PendingThenDecline) => Some(self.decline(DeclineCode::Generic)),
            (Status::Pending, _) => Some(self.authorise(now, timings)),
            (Status::RequiresAction, _) => Some(self.expire(0)),
            (Status::Authorised, _) => Some(self.expire(self.amount - self.captured)),
            (Status::Declined | Status::Voided | Status::Expired, _) => None,
        }
    }

    fn expire(&mut self, released: i64) -> Happened {
        self.status = Status::Expired;
        self.deadline = None;
        Happened::Expired { released }
    }

    /// Refuses what has run out of time even before the worker has expired it.
    fn must_be_authorised(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.status {
            Status::Expired => Err(Refusal::Expired),
            Status::Authorised if self.deadline.is_some_and(|deadline| deadline <= now) => {
                Err(Refusal::Expired)
            }
            Status::Authorised => Ok(()),
            other => Err(Refusal::NotAuthorised(other)),
        }
    }

    pub(crate) fn capture(&mut self, amount: i64, now: Timestamp) -> Result<Happened, Refusal> {
        self.must_be_authorised(now)?;
        let left = self.amount - self.captured;
        if amount > left {
            return Err(Refusal::ExceedsAuthorised { left });
        }
        if self.card.behaviour == Behaviour::CaptureFails {
            return Err(Refusal::CaptureFailed);
        }
        self.captured += amount;
        if self.captured == self.amount {
            // Nothing is left to expire.
            self.deadline = None;
        }
        Ok(moved(MovementType::Capture, "cap", amount, None))
    }

    pub(crate) fn void(&mut self, now: Timestamp) -> Result<Happened, Refusal> {
        let released = match self.status {
            Status::Pending | Status::RequiresAction => 0,
            _ => {
                self.must_be_authorised(now)?;
                self.amount - self.captured
            }
        };
        if self.captured == self.amount {
            return Err(Refusal::AlreadyCaptured);
        }
        self.status = Status::Voided;
        self.deadline = None;
        Ok(moved(MovementType::Void, "voi", released, None))
    }

    /// Possible for everything captured, also after the rest was voided or has expired.
    pub(crate) fn refund(&mut self, amount: i64) -> Result<Happened, Refusal> {
        let left = self.captured - self.refunded;
        if amount > left {
            return Err(Refusal::ExceedsCaptured { left });
        }
        self.refunded += amount;
        Ok(moved(MovementType::Refund, "ref", amount, None))
    }

    pub(crate) fn dispute(
        &mut self,
        amount: Option<i64>,
        reason: Option<String>,
    ) -> Result<Happened, Refusal> {
        let left = (self.captured - self.refunded - self.disputed).max(0);
        let amount = amount.unwrap_or(left);
        if amount > left || amount == 0 {
            return Err(Refusal::ExceedsCaptured { left });
        }
        self.disputed += amount;
        Ok(moved(MovementType::Dispute, "dsp", amount, reason))
    }
}

fn moved(kind: MovementType, prefix: &str, amount: i64, reason: Option<String>) -> Happened {
    Happened::Moved(Moved { kind, id: ids::new(prefix), amount, reason })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Capture(i64),
        Refund(i64),
        Void,
        Dispute(Option<i64>),
        Wait(i64),
        Challenge(bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1i64..700).prop_map(Step::Capture),
            (1i64..700).prop_map(Step::Refund),
            Just(Step::Void),
            proptest::option::of(1i64..700).prop_map(Step::Dispute),
            (0i64..200).prop_map(Step::Wait),
            any::<bool>().prop_map(Step::Challenge),
        ]
    }

    proptest! {
        /// 0 ≤ refunded ≤ captured ≤ amount, whatever is tried; a refusal changes nothing; nothing is captured
        /// outside `authorised`.
        #[test]
        fn amounts_stay_within_bounds(card in 0usize..18, steps in proptest::collection::vec(step(), 0..40)) {
            let timings = Timings::default();
            let mut now = Timestamp::UNIX_EPOCH;
            let request = AuthorisationRequest {
                token: "tok".into(), amount_minor: 1000, currency: "EUR".into(), reference: "r".into(), return_url: None,
            };
            let (mut it, _) = Authorisation::decide(request, &crate::cards::TEST_CARDS[card], now, &timings);
            for step in steps {
                let before = it.clone();
                let refused = match step {
                    Step::Capture(amount) => it.capture(amount, now).is_err(),
                    Step::Refund(amount) => it.refund(amount).is_err(),
                    Step::Void => it.void(now).is_err(),
                    Step::Dispute(amount) => it.dispute(amount, None).is_err(),
                    Step::Challenge(approved) => it.answer_challenge(approved, now, &timings).is_none(),
                    Step::Wait(hours) => {
                        now = later(now, std::time::Duration::from_secs(hours as u64 * 3600));
                        it.pass_deadline(now, &timings).is_none()
                    }
                };
                if refused {
                    prop_assert_eq!(format!("{it:?}"), format!("{before:?}"));
                }
                prop_assert!(0 <= it.refunded && it.refunded <= it.captured && it.captured <= it.amount);
                prop_assert!(0 <= it.disputed && it.disputed <= it.captured);
                prop_assert!(it.captured == before.captured || before.status == Status::Authorised);
                prop_assert_eq!(it.decline_code.is_some(), it.status == Status::Declined);
            }
        }
    }
}
