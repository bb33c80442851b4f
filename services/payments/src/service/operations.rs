//! Taking, giving back, giving up: noted first, then done at the provider, then entered.

use crate::{
    commands::{self, LOOK_UP},
    model::{EntryKind, Intent, Payment},
    service::{Failed, PaymentsService, provider::heard},
};
use emporia_contracts::{
    Fault, Trouble,
    ids::{OrderId, PaymentId},
    payments::{
        Capture, PaymentCaptured, PaymentRefunded, PaymentRefusal, PaymentState, PaymentVoided,
        ProviderError, Refund, Void,
    },
};
use emporia_events::EventMeta;
use emporia_store::{StoreError, Tx};
use jiff::SignedDuration;

/// Who hears when the provider refuses an operation for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Somebody who waits for it: he is told, and it is forgotten.
    Caller,
    /// Nobody: it stays noted, and an operator has to look.
    Nobody,
}

impl Intent {
    pub(crate) fn capture(amount: emporia_money::Money, key: String) -> Self {
        let (kind, reason) = (EntryKind::Capture, String::new());
        Self { kind, amount, key, reason, refusals: 0, meta: None }
    }

    pub(crate) fn refund(amount: emporia_money::Money, key: String, reason: String) -> Self {
        Self { kind: EntryKind::Refund, amount, key, reason, refusals: 0, meta: None }
    }

    pub(crate) fn void(amount: emporia_money::Money, key: String, reason: String) -> Self {
        Self { kind: EntryKind::Void, amount, key, reason, refusals: 0, meta: None }
    }
}

impl PaymentsService {
    pub(crate) async fn take(&self, request: Capture) -> Result<Payment, PaymentRefusal> {
        self.operate(request.payment, Intent::capture(request.amount, request.key), &request.meta).await
    }

    pub(crate) async fn give_back(&self, request: Refund) -> Result<Payment, PaymentRefusal> {
        let intent = Intent::refund(request.amount, request.refund.to_string(), request.reason);
        self.operate(request.payment, intent, &request.meta).await
    }

    /// Gives a payment up. One whose outcome is not known yet is voided as soon as it is.
    pub(crate) async fn give_up(&self, request: Void) -> Result<(), PaymentRefusal> {
        let now = self.space.clock().now();
        let given_up =
            self.change(request.payment, |payment, _| Ok(commands::give_up(payment, &request.reason, now)?));
        let payment = match (given_up.await, request.amount) {
            (Ok((payment, ())), _) => payment,
            // Whoever is about to ask for it finds it ended.
            (Err(PaymentRefusal::NotFound(_)), Some(amount)) => self.never(&request, amount).await?,
            (Err(refusal), _) => return Err(refusal),
        };
        // Noted is enough: the sweep goes on with it until it is done.
        if let Err(error) = self.let_go(payment, &request.meta).await {
            tracing::debug!(payment = %request.payment, %error, "a payment is given up and not voided yet");
        }
        Ok(())
    }

    /// Gives up a payment that nobody has asked for, or that somebody has asked for since.
    async fn never(&self, request: &Void, amount: emporia_money::Money) -> Result<Payment, PaymentRefusal> {
        let now = self.space.clock().now();
        let given_up = self.space.transact(|tx| async move {
            let found = tx.get::<Payment>(&Payment::key_of(request.payment)).await?;
            let mut payment = found.map_or_else(
                || Payment {
                    state: PaymentState::Failed,
                    decline_code: Some("given_up".into()),
                    ..Payment::new(request.payment, &request.reference, amount, now)
                },
                |found| found.value,
            );
            commands::give_up(&mut payment, &request.reason, now)?;
            tx.put(&payment)?;
            Ok::<_, Failed>(payment)
        });
        Ok(given_up.await?)
    }

    /// Notes in a consumer's transaction what an order wants of its payment. The sweep carries it out, however long the
    /// provider is away; what turns out not to be possible is shown to operators.
    pub(crate) async fn want(
        &self,
        tx: &Tx,
        (id, order): (PaymentId, Option<OrderId>),
        note: impl FnOnce(&mut Payment) -> Result<(), PaymentRefusal> + Send,
    ) -> Result<(), Failed> {
        let found = tx.get::<Payment>(&Payment::key_of(id)).await?;
        let mut payment = found.ok_or(PaymentRefusal::NotFound(id))?.value;
        let before = payment.clone();
        if let Some(order) = order.filter(|_| payment.order.is_none()) {
            self.list(tx, &payment, order).await?;
            payment.order = Some(order);
        }
        note(&mut payment)?;
        if payment != before {
            let now = self.space.clock().now();
            payment.due = Some(now);
            // With something new to do, an old trouble is looked at once more.
            payment.trouble = payment.trouble.map(|t| if t.is_stuck() { t.retried(now) } else { t });
            tx.put(&payment)?;
        }
        Ok(())
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
        let held = payment.money(payment.sum(EntryKind::Authorisation) - payment.sum(EntryKind::Capture));
        // Refused before it was authorised, it is another call after that.
        let key = format!("{}/{}", if commands::undecided(&payment) { "cancel" } else { "void" }, payment.id);
        let intent = Intent::void(held, key, reason);
        self.operate(payment.id, intent, meta).await
    }

    /// Finishes what is noted, in the order in which it was noted: what comes later may rest on what came before.
    pub(crate) async fn finish(&self, payment: &Payment, meta: &EventMeta) -> Result<(), PaymentRefusal> {
        for intent in &payment.intents {
            let meta = intent.meta.as_ref().unwrap_or(meta);
            let (now, stored) = (self.space.clock().now(), self.load(payment.id).await?);
            if let Err(refusal) = commands::possible(&stored, intent, now) {
                self.suffer(payment.id, meta, |p| Trouble::lasting(p.trouble.as_ref(), &refusal, now))
                    .await?;
                return Err(refusal);
            }
            self.carry_out(&stored, intent, meta, Asks::Nobody).await?;
        }
        Ok(())
    }

    /// Notes an operation that somebody waits for, and does it.
    async fn operate(
        &self,
        id: PaymentId,
        intent: Intent,
        meta: &EventMeta,
    ) -> Result<Payment, PaymentRefusal> {
        let (wanted, now) = (&intent, self.space.clock().now());
        let (payment, open) = self
            .change(id, |payment, _| {
                let known = payment.intents.len();
                let open = commands::note(payment, wanted.clone())?;
                if payment.intents.len() > known {
                    commands::possible(payment, wanted, now)?;
                }
                if open {
                    // Cut off from here on, the sweep finishes it.
                    payment.due = Some(payment.due.map_or(now + LOOK_UP, |due| due.min(now + LOOK_UP)));
                }
                Ok(open)
            })
            .await?;
        if open { self.carry_out(&payment, &intent, meta, Asks::Caller).await } else { Ok(payment) }
    }

    async fn carry_out(
        &self,
        payment: &Payment,
        intent: &Intent,
        meta: &EventMeta,
        asks: Asks,
    ) -> Result<Payment, PaymentRefusal> {
        let (id, now) = (payment.id, self.space.clock().now());
        let Some(provider_id) = payment.provider_id.as_deref() else { return Ok(payment.clone()) };
        // As it is stored: it may have been refused before.
        let stored = payment.intents.iter().find(|i| i.key == intent.key).unwrap_or(intent);
        let (amount, key) = (intent.amount, stored.provider_key());
        let turn = self.operations.acquire().await.map_err(|e| Fault::permanent("payments", e))?;
        let (call, done) = match intent.kind {
            EntryKind::Capture => ("capture", self.provider.capture(provider_id, amount, &key).await),
            EntryKind::Refund => ("refund", self.provider.refund(provider_id, amount, &key).await),
            EntryKind::Void | EntryKind::Authorisation => {
                ("void", self.provider.void(provider_id, &key).await)
            }
        };
        drop(turn);
        let (error, wait) = match heard(call, id, done) {
            Ok(_) => return self.enter(id, intent, meta).await,
            Err(ProviderError::Refused { code, message }) => {
                let refusal = PaymentRefusal::Provider(format!("{code}: {message}"));
                return self.refused(payment, intent, (meta, asks), refusal).await;
            }
            Err(error @ ProviderError::Unavailable { retry_after, .. }) => (error, retry_after),
            Err(error) => (error, None),
        };
        let (why, wait) = (format!("{call}: {error}"), wait.unwrap_or(SignedDuration::ZERO));
        let trouble = |p: &Payment| Trouble::passing_after(p.trouble.as_ref(), &why, now, wait);
        self.suffer(id, meta, trouble).await?;
        Err(Fault::transient("payments", error).into())
    }

    /// The provider has done it.
    async fn enter(
        &self,
        id: PaymentId,
        intent: &Intent,
        meta: &EventMeta,
    ) -> Result<Payment, PaymentRefusal> {
        let now = self.space.clock().now();
        let (payment, ()) = self
            .change(id, |payment, tx| {
                let before = payment.state;
                // A webhook may have told of the void before the call came back.
                if let Some(intent) = commands::done(payment, &intent.key, now)
                    && (intent.kind != EntryKind::Void || before != PaymentState::Voided)
                {
                    self.tell_done(tx, payment, &intent, meta)?;
                }
                Ok(())
            })
            .await?;
        Ok(payment)
    }

    /// A definite no: it will not happen under this key.
    async fn refused(
        &self,
        payment: &Payment,
        intent: &Intent,
        (meta, asks): (&EventMeta, Asks),
        refusal: PaymentRefusal,
    ) -> Result<Payment, PaymentRefusal> {
        let (id, now, key) = (payment.id, self.space.clock().now(), intent.key.as_str());
        let decided = !commands::undecided(payment);
        if intent.kind == EntryKind::Void && decided {
            let said = heard("lookup", id, self.provider.lookup(id).await);
            if let Ok(Some(said)) = said
                && commands::holds_nothing(&said)
            {
                self.apply(id, &said, meta).await?;
                return self.forget(id, key).await;
            }
        }
        // What holds money on and what nobody waits for must not be lost with its refusal.
        if asks == Asks::Caller && (intent.kind != EntryKind::Void || !decided)
            || intent.kind == EntryKind::Void && !decided
        {
            self.forget(id, key).await?;
            return Err(refusal);
        }
        self.suffer(id, meta, |p| Trouble::lasting(p.trouble.as_ref(), &refusal, now)).await?;
        self.change(id, |payment, _| {
            let refused = payment.intents.iter_mut().filter(|i| i.key == key);
            refused.for_each(|intent| intent.refusals = intent.refusals.saturating_add(1));
            Ok(())
        })
        .await?;
        Err(refusal)
    }

    async fn forget(&self, id: PaymentId, key: &str) -> Result<Payment, PaymentRefusal> {
        let now = self.space.clock().now();
        let forgotten = self.change(id, |payment, _| {
            commands::forget(payment, key, now);
            Ok(())
        });
        Ok(forgotten.await?.0)
    }

    fn tell_done(&self, tx: &Tx, of: &Payment, intent: &Intent, meta: &EventMeta) -> Result<(), StoreError> {
        let (payment, amount) = (of.facts(), intent.amount);
        match intent.kind {
            EntryKind::Capture => {
                self.emit(tx, &PaymentCaptured { payment, amount, key: intent.key.clone() }, meta)
            }
            EntryKind::Void => {
                let (amount, reason) = (Some(amount).filter(|a| !a.is_zero()), intent.reason.clone());
                self.emit(tx, &PaymentVoided { payment, amount, reason }, meta)
            }
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
