//! The room of customers on a real store, for tests.
#![allow(dead_code, reason = "each test file uses its part")]

use async_graphql::{Request, Variables};
use emporia_auth::{AccessTokens, KeyedHash, PasswordCost, Passwords, TokenKey, TokenOptions};
use emporia_contracts::{
    Fault, Principal, RequestContext,
    channels::{ChannelFacts, PriceKind, RoundingPlace, RoundingPolicy},
    context::system_meta,
    customers::{AccountNotice, AccountNoticeIssued, NoticeKind, PersonalData},
    values::Locale,
};
use emporia_customers::{
    CustomersDeps, CustomersOptions, CustomersService, Registration, RelyingParty, SignedIn, Who, schema,
    space,
};
use emporia_events::{Envelope, EventMeta};
use emporia_id::{FixedClock, Ids};
use emporia_money::Rounding;
use emporia_store::{Document, Key, Position, Store};
use emporia_teststore::Place;
use emporia_vault::{MasterKey, PersonId, Vault};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
};

/// Where the shop's pages are.
pub const SHOP: &str = "https://shop.example.com";
pub const PASSWORD: &str = "correct horse battery";

pub struct Room {
    pub store: Store,
    pub customers: CustomersService,
    pub graph: emporia_subgraph::Subgraph,
    pub clock: Arc<FixedClock>,
    pub vault: Vault,
    pub passwords: Passwords,
    pub orders: Arc<OtherRoom>,
    probes: AtomicI64,
    master: MasterKey,
    key: TokenKey,
    pub place: Place,
}

/// A document that says nothing.
#[derive(Clone, Serialize, Deserialize)]
struct Probe {
    external_id: String,
}

impl Document for Probe {
    const COLLECTION: &'static str = "imported-customer";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, self.external_id.as_str())
    }
}

/// Another room that keeps something about persons, and may fail.
#[derive(Default)]
pub struct OtherRoom {
    pub fails: AtomicBool,
    /// This one alone cannot be erased.
    pub fails_for: std::sync::Mutex<Option<PersonId>>,
    pub erased: AtomicUsize,
}

#[async_trait::async_trait]
impl PersonalData for OtherRoom {
    fn room(&self) -> &'static str {
        "orders"
    }

    async fn export(&self, person: PersonId) -> Result<Value, Fault> {
        Ok(json!({ "ordersOf": person }))
    }

    async fn erase(&self, person: PersonId) -> Result<(), Fault> {
        if self.fails.load(Ordering::SeqCst) || *self.fails_for.lock().unwrap() == Some(person) {
            return Err(Fault::transient("orders", "not now"));
        }
        self.erased.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Room {
    pub async fn open() -> Self {
        let clock = Arc::new(FixedClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        let place = Place::new();
        Self::open_in(place, clock, MasterKey::generate(), TokenKey::generate(), PasswordCost::TEST).await
    }

    async fn open_in(
        place: Place,
        clock: Arc<FixedClock>,
        master: MasterKey,
        key: TokenKey,
        cost: PasswordCost,
    ) -> Self {
        let store = place.open(clock.clone(), vec![space()]).await;
        let vault = Vault::open(&place.path().join("keys.db"), &master).unwrap();
        let ids = Ids::random(clock.clone());
        let passwords = Passwords::new(cost, 2).unwrap();
        let deps = CustomersDeps {
            vault: vault.clone(),
            passwords: passwords.clone(),
            tokens: AccessTokens::new(key.clone(), TokenOptions::new("test"), clock.clone(), ids.clone()),
            mail_hash: KeyedHash::new([7u8; 32]),
            providers: Default::default(),
            passkeys: Some(RelyingParty::new("example.com", "Shop", &[SHOP.into()]).unwrap()),
        };
        let customers =
            CustomersService::new(store.space("customers").unwrap(), ids, deps, CustomersOptions::default());
        let orders = Arc::new(OtherRoom::default());
        customers.set_rooms(vec![orders.clone()]);
        let graph = schema(customers.clone());
        Self {
            store,
            customers,
            graph,
            clock,
            vault,
            passwords,
            orders,
            probes: AtomicI64::new(0),
            master,
            key,
            place,
        }
    }

    /// Everything is closed and opened again; passwords now cost this much.
    pub async fn restart(self, cost: PasswordCost) -> Self {
        let Self { store, customers, graph, clock, vault, master, key, place, .. } = self;
        store.close().await;
        drop((store, customers, graph, vault));
        Self::open_in(place, clock, master, key, cost).await
    }

    pub fn clock_now(&self) -> jiff::Timestamp {
        emporia_id::Clock::now(self.clock.as_ref())
    }

    pub fn ids(&self) -> Ids {
        Ids::random(self.clock.clone())
    }

    pub async fn register(&self, email: &str) -> SignedIn {
        self.customers.open_account(registration(email), &meta()).await.unwrap()
    }

    /// How many transactions were committed, without those that this question takes.
    pub async fn commits(&self) -> i64 {
        let space = self.store.space("customers").unwrap();
        let probe = &Probe { external_id: "probe".into() };
        let landed = space.transact_versioned(|tx| async move { tx.overwrite(probe) }).await.unwrap();
        landed.version.unwrap().get() - self.probes.fetch_add(1, Ordering::SeqCst)
    }

    /// Somebody wants to open an account, and is written to.
    pub async fn ask_to_register(&self, email: &str) {
        self.customers.start_registration(email, &english(), &meta()).await.unwrap();
        self.customers.answer_challenges().await.unwrap();
    }

    /// What account holders were told, in order.
    pub async fn notices(&self) -> Vec<(NoticeKind, AccountNotice)> {
        let log = self.store.log_of("customers");
        let batch = self.store.read_log(&log, Position::default(), 1000, None).await.unwrap();
        let envelopes = batch.records.iter().map(|record| Envelope::from_record(record).unwrap());
        let issued = envelopes.filter(Envelope::is::<AccountNoticeIssued>);
        let issued = issued.map(|e| e.payload::<AccountNoticeIssued>().unwrap());
        issued.filter_map(|i| Some((i.kind, self.vault.unseal(&i.notice).unwrap()?))).collect()
    }

    /// The code that was sent last.
    pub async fn code(&self) -> String {
        self.notices().await.pop().unwrap().1.code.unwrap()
    }

    /// The types of all events, in order.
    pub async fn events(&self) -> Vec<String> {
        let log = self.store.log_of("customers");
        let batch = self.store.read_log(&log, Position::default(), 1000, None).await.unwrap();
        batch.records.into_iter().map(|record| record.detail_type).collect()
    }

    pub async fn run(&self, who: Principal, text: &str, variables: Value) -> Value {
        let request = Request::new(text).variables(Variables::from_json(variables)).data(context(who));
        serde_json::to_value(self.graph.execute(request).await).unwrap()
    }
}

pub fn registration(email: &str) -> Registration {
    Registration {
        email: email.into(),
        password: PASSWORD.into(),
        name: Some("Ada Lovelace".into()),
        phone: Some("+44 20 7946 0000".into()),
    }
}

pub fn meta() -> EventMeta {
    system_meta("test", "test", None)
}

pub fn english() -> Locale {
    "en".parse().unwrap()
}

pub fn customer_of(signed: &SignedIn) -> emporia_customers::CustomerView {
    match &signed.who {
        Who::Customer(customer) => (**customer).clone(),
        Who::Operator(_) => panic!("an operator signed in"),
    }
}

pub fn context(principal: Principal) -> RequestContext {
    let channel = ChannelFacts {
        key: "eu".parse().unwrap(),
        name: "Europe".into(),
        currency: "EUR".parse().unwrap(),
        price_kind: PriceKind::Gross,
        default_locale: "en".parse().unwrap(),
        locales: vec!["en".parse().unwrap()],
        countries: vec!["DE".parse().unwrap()],
        rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
        stock_pool: vec![],
        order_prefix: "EU".into(),
        time_zone: "Europe/Berlin".into(),
    };
    RequestContext {
        principal,
        guest: None,
        channel: Arc::new(channel),
        locale: "en".parse().unwrap(),
        correlation_id: "test".into(),
        client: None,
    }
}
