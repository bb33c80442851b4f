//! A room of payments on a real store before a provider that does what a test says.
#![allow(dead_code, reason = "each test file uses its part")]

use emporia_contracts::{
    context::system_meta,
    ids::{PaymentId, RefundId},
    payments::{
        Authorise, Capture, PaymentFacts, PaymentMethod, PaymentProvider, PaymentRefusal, PaymentRequest,
        PaymentState, Payments, ProviderAuthorisation, ProviderAuthorise, ProviderError, ProviderEvent,
        ProviderStatus, Refund, Void,
    },
};
use emporia_events::{Consumer, ConsumerHandle, Envelope, EventMeta, EventPayload, envelope};
use emporia_id::{Clock, FixedClock, Ids};
use emporia_money::Money;
use emporia_payments::{EntryKind, Payment, PaymentsFollowOrders, PaymentsService, space};
use emporia_store::{Position, SpaceSchema, Store};
use emporia_teststore::Place;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, VecDeque},
    pin::pin,
    sync::Arc,
    task::Poll,
};
use tokio::sync::Semaphore;

pub const NOW: &str = "2026-11-24T12:00:00Z";

/// What the provider does with the next call.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The account becomes this, and the caller hears of it.
    Says(ProviderStatus),
    /// As `Says`, but with another amount.
    SaysAmount(ProviderStatus, i64),
    /// The account becomes this, but the answer is lost.
    Lost(ProviderStatus),
    /// The call never came.
    NotReached,
    /// It takes no calls: our key is wrong, or there are too many.
    Unavailable,
    /// It may have come; it did not.
    Unknown,
    Refuses,
}

/// What the provider's books say of one payment.
#[derive(Debug, Clone)]
pub struct Account {
    pub status: ProviderStatus,
    pub amount: Money,
    pub captured: i64,
    pub refunded: i64,
    /// Keys of what was done.
    pub done: Vec<String>,
}

#[derive(Default)]
struct Books {
    script: VecDeque<Answer>,
    accounts: BTreeMap<String, Account>,
    calls: Vec<String>,
    lookups_fail: bool,
}

/// A provider that keeps books, is idempotent by key, and answers as it is told (authorised when it is told nothing).
pub struct Scripted {
    books: Mutex<Books>,
    /// Authorisations wait here when there is no permit.
    pub gate: Semaphore,
    until: Timestamp,
}

impl Scripted {
    pub fn next(&self, answer: Answer) {
        self.books.lock().script.push_back(answer);
    }

    /// Whether look-ups are answered by nobody from now on.
    pub fn lookups_fail(&self, fail: bool) {
        self.books.lock().lookups_fail = fail;
    }

    pub fn account(&self, payment: PaymentId) -> Option<Account> {
        self.books.lock().accounts.get(&payment.to_string()).cloned()
    }

    pub fn set(&self, payment: PaymentId, status: ProviderStatus, amount: Money) {
        let account = Account { status, amount, captured: 0, refunded: 0, done: vec![] };
        self.books.lock().accounts.insert(payment.to_string(), account);
    }

    pub fn calls(&self, name: &str) -> Vec<String> {
        self.books.lock().calls.iter().filter(|c| c.starts_with(name)).cloned().collect()
    }

    fn told(&self, id: &str, account: &Account) -> ProviderAuthorisation {
        ProviderAuthorisation {
            provider_id: id.to_owned(),
            status: account.status.clone(),
            amount: account.amount,
            captured_minor: account.captured,
            refunded_minor: account.refunded,
            authorised_until: Some(self.until),
            card_brand: Some("visa".into()),
            card_last4: Some("4242".into()),
        }
    }

    fn operate(
        &self,
        id: &str,
        call: String,
        key: &str,
        act: impl FnOnce(&mut Account) -> bool,
    ) -> Result<ProviderAuthorisation, ProviderError> {
        let mut books = self.books.lock();
        books.calls.push(call);
        let answer = books.script.pop_front();
        match answer {
            Some(Answer::Unavailable) => return Err(unavailable()),
            Some(Answer::NotReached) => return Err(ProviderError::NotReached("down".into())),
            Some(Answer::Unknown) => return Err(ProviderError::Unknown("lost".into())),
            Some(Answer::Refuses) => return Err(no("not_possible")),
            _ => {}
        }
        let account = books.accounts.get_mut(id).ok_or_else(|| no("unknown"))?;
        if !account.done.iter().any(|k| k == key) {
            if !act(account) {
                return Err(no("not_possible"));
            }
            account.done.push(key.to_owned());
        }
        let account = account.clone();
        if matches!(answer, Some(Answer::Lost(_))) {
            Err(ProviderError::Unknown("lost".into()))
        } else {
            Ok(self.told(id, &account))
        }
    }
}

/// Too many calls: in an hour again.
fn unavailable() -> ProviderError {
    let retry_after = Some(SignedDuration::from_hours(1));
    ProviderError::Unavailable { why: "429".into(), retry_after }
}

fn no(code: &str) -> ProviderError {
    ProviderError::Refused { code: code.into(), message: "no".into() }
}

#[async_trait::async_trait]
impl PaymentProvider for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn authorise(&self, request: ProviderAuthorise) -> Result<ProviderAuthorisation, ProviderError> {
        let answer = {
            let mut books = self.books.lock();
            books.calls.push(format!("authorise {}", request.payment));
            books.script.pop_front().unwrap_or(Answer::Says(ProviderStatus::Authorised))
        };
        let _open = self.gate.acquire().await.map_err(|e| ProviderError::Unknown(e.to_string()))?;
        let id = request.payment.to_string();
        let (status, minor, lost) = match answer {
            Answer::Unavailable => return Err(unavailable()),
            Answer::NotReached => return Err(ProviderError::NotReached("down".into())),
            Answer::Unknown => return Err(ProviderError::Unknown("lost".into())),
            Answer::Refuses => return Err(no("bad_token")),
            Answer::Says(status) => (status, request.amount.minor(), false),
            Answer::SaysAmount(status, minor) => (status, minor, false),
            Answer::Lost(status) => (status, request.amount.minor(), true),
        };
        let amount = Money::new(minor, request.amount.currency());
        let mut books = self.books.lock();
        let fresh = Account { status, amount, captured: 0, refunded: 0, done: vec![] };
        let account = books.accounts.entry(id.clone()).or_insert(fresh).clone();
        if lost { Err(ProviderError::Unknown("lost".into())) } else { Ok(self.told(&id, &account)) }
    }

    async fn lookup(&self, payment: PaymentId) -> Result<Option<ProviderAuthorisation>, ProviderError> {
        let mut books = self.books.lock();
        books.calls.push(format!("lookup {payment}"));
        if books.lookups_fail {
            return Err(ProviderError::Unknown("lost".into()));
        }
        let id = payment.to_string();
        Ok(books.accounts.get(&id).map(|account| self.told(&id, account)))
    }

    async fn capture(
        &self,
        id: &str,
        amount: Money,
        key: &str,
    ) -> Result<ProviderAuthorisation, ProviderError> {
        self.operate(id, format!("capture {key}"), key, |account| {
            account.captured += amount.minor();
            account.captured <= account.amount.minor() && account.status == ProviderStatus::Authorised
        })
    }

    async fn void(&self, id: &str, key: &str) -> Result<ProviderAuthorisation, ProviderError> {
        self.operate(id, format!("void {key}"), key, |account| {
            account.status = ProviderStatus::Voided;
            true
        })
    }

    async fn refund(
        &self,
        id: &str,
        amount: Money,
        key: &str,
    ) -> Result<ProviderAuthorisation, ProviderError> {
        self.operate(id, format!("refund {key}"), key, |account| {
            account.refunded += amount.minor();
            account.refunded <= account.captured
        })
    }

    fn verify_webhook(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        _: Timestamp,
    ) -> Result<ProviderEvent, String> {
        if !headers.iter().any(|(name, value)| name == "signature" && value == "good") {
            return Err("the signature is wrong".into());
        }
        let (id, payment, authorisation, disputed) =
            serde_json::from_slice(body).map_err(|e| e.to_string())?;
        Ok(ProviderEvent { id, payment, authorisation, disputed })
    }
}

pub struct Room {
    pub store: Store,
    pub payments: PaymentsService,
    pub provider: Arc<Scripted>,
    pub clock: Arc<FixedClock>,
    pub ids: Ids,
    _place: Place,
}

impl Room {
    pub async fn open() -> Self {
        let clock = Arc::new(FixedClock::at(NOW.parse().unwrap()));
        let place = Place::new();
        // `orders` only speaks here: what it says is what payments follow.
        let schemas = vec![space(), SpaceSchema::new("orders").schema(1)];
        let store = place.open(clock.clone(), schemas).await;
        let ids = Ids::seeded(clock.clone(), 7);
        let until = clock.now() + SignedDuration::from_hours(24);
        let provider = Arc::new(Scripted { books: Mutex::default(), gate: Semaphore::new(1_000), until });
        let payments = PaymentsService::new(store.space("payments").unwrap(), ids.clone(), provider.clone());
        Self { store, payments, provider, clock, ids, _place: place }
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Time passes until nothing is due any more, at most for an hour.
    pub async fn settle(&self) {
        for _ in 0..60 {
            self.pass(60);
            self.payments.sweep().await.unwrap();
        }
    }

    pub fn request(&self, minor: i64) -> Authorise {
        Authorise {
            payment: self.ids.next(),
            reference: "chk_1".into(),
            amount: euros(minor),
            method: PaymentMethod::CardToken("tok_1".into()),
            return_url: None,
            meta: meta(),
        }
    }

    /// An authorised payment.
    pub async fn held(&self, minor: i64) -> PaymentId {
        let facts = self.payments.authorise(self.request(minor)).await.unwrap();
        assert_eq!(facts.state, PaymentState::Authorised);
        facts.payment_id
    }

    pub async fn capture(
        &self,
        payment: PaymentId,
        minor: i64,
        key: &str,
    ) -> Result<PaymentFacts, PaymentRefusal> {
        self.payments.capture(Capture { payment, amount: euros(minor), key: key.into(), meta: meta() }).await
    }

    pub async fn refund(
        &self,
        payment: PaymentId,
        minor: i64,
        refund: RefundId,
    ) -> Result<PaymentFacts, PaymentRefusal> {
        let reason = "return".into();
        self.payments.refund(Refund { refund, payment, amount: euros(minor), reason, meta: meta() }).await
    }

    pub async fn void(&self, payment: PaymentId) -> Result<(), PaymentRefusal> {
        let (reference, reason) = ("chk_1".into(), "cancelled".into());
        self.payments.void(Void { payment, reference, amount: None, reason, meta: meta() }).await
    }

    /// As [`Room::void`], by somebody who knows what would have been asked for.
    pub async fn void_unasked(&self, request: &Authorise) -> Result<(), PaymentRefusal> {
        let (payment, reference) = (request.payment, request.reference.clone());
        let (amount, reason) = (Some(request.amount), "cancelled".into());
        self.payments.void(Void { payment, reference, amount, reason, meta: meta() }).await
    }

    pub async fn facts(&self, payment: PaymentId) -> PaymentFacts {
        self.payments.payment(PaymentRequest { payment, refresh: false }).await.unwrap()
    }

    pub async fn get(&self, payment: PaymentId) -> Payment {
        self.payments.get(payment).await.unwrap().unwrap()
    }

    pub async fn entries(&self, payment: PaymentId, kind: EntryKind) -> usize {
        self.get(payment).await.entries.iter().filter(|e| e.kind == kind).count()
    }

    pub fn body(
        &self,
        id: &str,
        payment: PaymentId,
        status: ProviderStatus,
        minor: i64,
        disputed: bool,
    ) -> Vec<u8> {
        let account = Account { status, amount: euros(minor), captured: 0, refunded: 0, done: vec![] };
        let told = self.provider.told(&payment.to_string(), &account);
        serde_json::to_vec(&(id, payment, told, disputed)).unwrap()
    }

    pub async fn webhook(&self, id: &str, payment: PaymentId, status: ProviderStatus) {
        let minor = self.get(payment).await.amount.minor();
        self.payments.webhook(&signed(), &self.body(id, payment, status, minor, false)).await.unwrap();
    }

    pub async fn events(&self) -> Vec<Envelope> {
        let log = self.store.log_of("payments");
        let batch =
            self.store.read_log(&log, Position::default(), 1000, Some("emporia.payments")).await.unwrap();
        batch.records.iter().map(|r| Envelope::from_record(r).unwrap()).collect()
    }

    pub async fn told<P: EventPayload>(&self) -> Vec<P> {
        self.events().await.iter().filter(|e| e.is::<P>()).map(|e| e.payload().unwrap()).collect()
    }

    pub async fn kinds(&self) -> Vec<String> {
        self.events().await.into_iter().map(|e| e.detail_type).collect()
    }

    pub async fn says(&self, payload: &impl EventPayload) {
        let orders = self.store.space("orders").unwrap();
        orders
            .transact(
                |tx| async move { tx.emit(envelope(payload, &meta(), &self.ids, self.clock.as_ref())?) },
            )
            .await
            .unwrap();
    }

    pub async fn follow(&self) -> ConsumerHandle {
        let space = self.store.space("payments").unwrap();
        let handler = PaymentsFollowOrders(self.payments.clone());
        Consumer::new("payments-follow-orders", Arc::new(self.store.clone()), space, handler)
            .start()
            .await
            .unwrap()
    }
}

pub fn signed() -> Vec<(String, String)> {
    vec![("signature".into(), "good".into())]
}

pub fn meta() -> EventMeta {
    system_meta("test", "test", None)
}

pub fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

/// Runs a future until it has waited `waits` times, then drops it, as a crash does.
pub async fn cut_off<F: Future>(future: F, waits: usize) {
    let (mut future, mut waited) = (pin!(future), 0);
    std::future::poll_fn(|cx| {
        // Of the budget that the runtime gives a task (128 steps) one is left, so that the future waits at each answer
        // of the store, however quick that is.
        for _ in 0..127 {
            let _ = pin!(tokio::task::consume_budget()).poll(cx);
        }
        match future.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending if waited == waits => Poll::Ready(()),
            Poll::Pending => {
                waited += 1;
                Poll::Pending
            }
        }
    })
    .await;
}
