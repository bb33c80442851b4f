//! Taking, giving back, giving up: noted first, then done at the provider, then entered.

use crate::{
    commands::{self, LOOK_UP},
    model::{EntryKind, Intent, Payment},
    service::{Failed, PaymentsService, provider::heard},
};
use emporia_contracts::{
    Fault,
    ids::PaymentId,
    payments::{
        Capture, PaymentCaptured, PaymentRefunded, PaymentRefusal, PaymentState, PaymentVoided,
        ProviderError, Refund, Void,
    },
};
use emporia_events::EventMeta;
use emporia_money::Money;
use emporia_store::{StoreError, Tx};

fn not_in(payment: &Payment, operation: &str) -> Failed {
    let (id, state) = (payment.id, payment.state);
    Failed::Refused(PaymentRefusal::State { payment: id, state, operation: operation.to_owned() })
}

fn too_much(payment: &Payment, asked: Money, left: i64) -> Failed {
    Failed::Refused(PaymentRefusal::Amount { asked, left: payment.money(left) })
}

/// Notes an operation once per key. True: it is still to be done.
fn note(
    payment: &mut Payment,
    intent: Intent,
    check: impl Fn(&Payment) -> Result<(), Failed>,
) -> Result<bool, Failed> {
    let known = |kind, amount| kind == intent.kind && amount == intent.amount;
    if let Some(entry) = payment.entries.iter().find(|e| e.key == intent.key) {
        return if known(entry.kind, entry.amount) {
            Ok(false)
        } else {
            Err(Failed::Refused(PaymentRefusal::Reused(payment.id)))
        };
    }
    if let Some(noted) = payment.intents.iter().find(|i| i.key == intent.key) {
        return if known(noted.kind, noted.amount) {
            Ok(true)
        } else {
            Err(Failed::Refused(PaymentRefusal::Reused(payment.id)))
        };
    }
    check(payment)?;
    payment.intents.push(intent);
    Ok(true)
}

impl PaymentsService {
    pub(crate) async fn take(&self, request: Capture) -> Result<Payment, PaymentRefusal> {
        let intent = Intent {
            kind: EntryKind::Capture,
            amount: request.amount,
            key: request.key,
            reason: String::new(),
        };
        let now = self.space.clock().now();
        self.operate(request.payment, intent, &request.meta, |payment| {
            use PaymentState as S;
            let ran_out = payment.authorised_until.is_some_and(|until| until <= now);
            let held = matches!(payment.state, S::Authorised | S::Captured | S::Refunded);
            if !held || ran_out || payment.give_up.is_some() {
                return Err(not_in(payment, "capture"));
            }
            let left = payment.sum(EntryKind::Authorisation) - payment.spoken_for(EntryKind::Capture);
            fits(payment, request.amount, left)
        })
        .await
    }

    pub(crate) async fn give_back(&self, request: Refund) -> Result<Payment, PaymentRefusal> {
        let intent = Intent {
            kind: EntryKind::Refund,
            amount: request.amount,
            key: request.refund.to_string(),
            reason: request.reason,
        };
        self.operate(request.payment, intent, &request.meta, |payment| {
            let left = payment.sum(EntryKind::Capture) - payment.spoken_for(EntryKind::Refund);
            fits(payment, request.amount, left)
        })
        .await
    }

    /// Gives a payment up. One whose outcome is not known yet is voided as soon as it is.
    pub(crate) async fn give_up(&self, request: Void) -> Result<(), PaymentRefusal> {
        use PaymentState as S;
        let now = self.space.clock().now();
        let (payment, ()) = self
            .change(request.payment, |payment, _| {
                match payment.state {
                    // What is being taken cannot be given up any more.
                    _ if payment.spoken_for(EntryKind::Capture) > 0 => return Err(not_in(payment, "void")),
                    S::Failed | S::Voided | S::Expired => {}
                    S::Created | S::Pending | S::RequiresAction | S::Authorised => {
                        payment.give_up = Some(request.reason.clone());
                        payment.due = Some(now);
                    }
                    S::Captured | S::Refunded | S::Disputed => return Err(not_in(payment, "void")),
                }
                Ok(())
            })
            .await?;
        self.let_go(payment, &request.meta).await.map(drop)
    }

    /// Voids a payment that was given up, as far as that is possible now.
    pub(crate) async fn let_go(&self, payment: Payment, meta: &EventMeta) -> Result<Payment, PaymentRefusal> {
        let payment = self.refresh(payment).await?;
        let Some(reason) = payment.give_up.clone().filter(|_| payment.provider_id.is_some()) else {
            return Ok(payment);
        };
        if matches!(payment.state, PaymentState::Voided | PaymentState::Expired) {
            return Ok(payment);
        }
        let intent = Intent {
            kind: EntryKind::Void,
            amount: payment.money(payment.sum(EntryKind::Authorisation) - payment.sum(EntryKind::Capture)),
            // Refused before it was authorised, it is another call after that.
            key: format!("{}/{}", if commands::undecided(&payment) { "cancel" } else { "void" }, payment.id),
            reason,
        };
        self.operate(payment.id, intent, meta, |_| Ok(())).await
    }

    /// Finishes what was noted and not known to be done.
    pub(crate) async fn finish(&self, payment: &Payment, meta: &EventMeta) -> Result<(), PaymentRefusal> {
        for intent in &payment.intents {
            self.operate(payment.id, intent.clone(), meta, |_| Ok(())).await?;
        }
        Ok(())
    }

    async fn operate(
        &self,
        id: PaymentId,
        intent: Intent,
        meta: &EventMeta,
        check: impl Fn(&Payment) -> Result<(), Failed> + Send + Sync,
    ) -> Result<Payment, PaymentRefusal> {
        let (wanted, check, now) = (&intent, &check, self.space.clock().now());
        let (payment, open) = self
            .change(id, |payment, _| {
                let open = note(payment, wanted.clone(), check)?;
                if open {
                    // Cut off from here on, the sweep finishes it.
                    payment.due = Some(payment.due.map_or(now + LOOK_UP, |due| due.min(now + LOOK_UP)));
                }
                Ok(open)
            })
            .await?;
        let Some(provider_id) = payment.provider_id.as_deref().filter(|_| open) else { return Ok(payment) };
        let _turn = self.operations.acquire().await.map_err(|e| Fault::permanent("payments", e))?;
        let (amount, key) = (intent.amount, intent.key.as_str());
        let (call, done) = match intent.kind {
            EntryKind::Capture => ("capture", self.provider.capture(provider_id, amount, key).await),
            EntryKind::Refund => ("refund", self.provider.refund(provider_id, amount, key).await),
            EntryKind::Void | EntryKind::Authorisation => {
                ("void", self.provider.void(provider_id, key).await)
            }
        };
        match heard(call, id, done) {
            Ok(_) => {
                let (payment, ()) = self
                    .change(id, |payment, tx| {
                        let before = payment.state;
                        // A webhook may have told of the void before the call came back.
                        if let Some(intent) = commands::done(payment, key, now)
                            && (intent.kind != EntryKind::Void || before != PaymentState::Voided)
                        {
                            self.tell_done(tx, payment, &intent, meta)?;
                        }
                        Ok(())
                    })
                    .await?;
                Ok(payment)
            }
            Err(ProviderError::Refused { code, message }) => {
                // A definite no: it will not happen under this key.
                self.change(id, |payment, _| {
                    commands::refused(payment, key, now);
                    Ok(())
                })
                .await?;
                Err(PaymentRefusal::Provider(format!("{code}: {message}")))
            }
            Err(error) => Err(Fault::transient("payments", error).into()),
        }
    }

    fn tell_done(&self, tx: &Tx, of: &Payment, intent: &Intent, meta: &EventMeta) -> Result<(), StoreError> {
        let (payment, amount) = (of.facts(), intent.amount);
        match intent.kind {
            EntryKind::Capture => {
                self.emit(tx, &PaymentCaptured { payment, amount, key: intent.key.clone() }, meta)
            }
            EntryKind::Void => self.emit(tx, &PaymentVoided { payment, reason: intent.reason.clone() }, meta),
            EntryKind::Authorisation => Ok(()),
            EntryKind::Refund => match intent.key.parse() {
                Ok(refund_id) => {
                    let reason = intent.reason.clone();
                    self.emit(tx, &PaymentRefunded { payment, refund_id, amount, reason }, meta)
                }
                // Refunds are noted under their id: a key of another form cannot be here.
                Err(_) => Ok(()),
            },
        }
    }
}

fn fits(payment: &Payment, amount: Money, left: i64) -> Result<(), Failed> {
    if amount.currency() != payment.amount.currency() || amount.minor() <= 0 || amount.minor() > left {
        return Err(too_much(payment, amount, left));
    }
    Ok(())
}
