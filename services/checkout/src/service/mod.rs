//! The saga: load, decide, commit; and call the other rooms between commits.

mod advance;
mod cut;
mod driving;
mod facts;
mod finish;
mod personal;
mod pricing;
mod recovery;
mod steps;
mod trouble;

pub(crate) use steps::Offer;
pub use steps::StartCheckout;

use crate::model::{Checkout, CheckoutState, DeliveryOption, Undo};
use arc_swap::ArcSwap;
use emporia_contracts::{
    Fault, RequestContext,
    carts::{CartRefusal, Carts, UnclaimCart},
    catalog::Catalog,
    channels::{Channel, Channels},
    checkout::{FactRefusal, OrderFact},
    customers::Customers,
    ids::{CartId, CheckoutId, OrderId},
    inventory::{Inventory, ReleaseReservation, Shortage},
    orders::{Orders, PlacedOrder},
    payments::{PaymentRefusal, Payments, Void},
    pricing::Pricing,
    tax::{Tax, TaxRefusal},
    values::{ChannelKey, Sku},
};
use emporia_events::{EventMeta, EventPayload, envelope};
use emporia_id::Ids;
use emporia_money::Money;
use emporia_store::{Document, IndexKey, Query, Space, StoreError, Tx, Versioned};
use emporia_vault::{Vault, VaultError};
use std::{collections::BTreeMap, sync::Arc};

/// The rooms that checkout calls.
#[derive(Clone)]
pub struct CheckoutDeps {
    /// Channels.
    pub channels: Arc<dyn Channels>,
    /// Catalogue.
    pub catalog: Arc<dyn Catalog>,
    /// Prices.
    pub pricing: Arc<dyn Pricing>,
    /// Tax.
    pub tax: Arc<dyn Tax>,
    /// Stock.
    pub inventory: Arc<dyn Inventory>,
    /// Carts.
    pub carts: Arc<dyn Carts>,
    /// Payments.
    pub payments: Arc<dyn Payments>,
    /// Orders.
    pub orders: Arc<dyn Orders>,
    /// Customers.
    pub customers: Arc<dyn Customers>,
}

/// Checkouts. Cheap to clone.
#[derive(Clone)]
pub struct CheckoutService {
    pub(crate) space: Space,
    pub(crate) ids: Ids,
    pub(crate) vault: Vault,
    pub(crate) deps: CheckoutDeps,
    pub(crate) driving: driving::Driving,
    options: Arc<ArcSwap<BTreeMap<ChannelKey, Vec<DeliveryOption>>>>,
}

/// Where a checkout stands after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// There is an order.
    Completed(OrderId),
    /// The shopper has to go there and come back.
    ActionRequired(String),
    /// The provider has not decided yet; ask again.
    Pending,
    /// Stock is short: nothing was paid.
    Short(Vec<Shortage>),
    /// A payment was declined: nothing was taken, another may work.
    Declined(Option<String>),
}

/// Why a step is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// There is none of that id, or it is another's.
    #[error("there is no checkout {0}")]
    NotFound(CheckoutId),
    /// The state does not allow it.
    #[error("checkout {0} is {1:?}: this step is not possible")]
    State(CheckoutId, CheckoutState),
    /// The cart cannot be bought.
    #[error(transparent)]
    Cart(CartRefusal),
    /// The cart has no lines.
    #[error("cart {0} is empty")]
    EmptyCart(CartId),
    /// The cart was edited since it was priced.
    #[error("the cart changed: look at the new total")]
    CartChanged,
    /// These are not sold here.
    #[error("not available in this channel: {}", list(.0))]
    NotAvailable(Vec<Sku>),
    /// These have no price here.
    #[error("without a price in this channel: {}", list(.0))]
    PriceMissing(Vec<Sku>),
    /// The channel does not deliver there.
    #[error("this channel does not deliver to {0}")]
    CountryNotServed(String),
    /// That option does not fit.
    #[error("delivery option \"{0}\" is not offered for this cart and address")]
    DeliveryNotAvailable(String),
    /// Something is missing before the purchase.
    #[error("{0}")]
    Incomplete(String),
    /// The total is not what the shopper saw.
    #[error("the total is {actual}, not {expected}")]
    TotalChanged {
        /// What the shopper saw.
        expected: Money,
        /// What it is.
        actual: Money,
    },
    /// Tenders and total differ.
    #[error("the payments leave {0} open: they have to sum to the total")]
    Tenders(Money),
    /// Something given is not valid.
    #[error("{0}")]
    Invalid(String),
    /// Another room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(skus: &[Sku]) -> String {
    skus.iter().take(10).map(Sku::as_str).collect::<Vec<_>>().join(", ")
}

impl From<CartRefusal> for CheckoutError {
    fn from(refusal: CartRefusal) -> Self {
        match refusal {
            CartRefusal::Fault(fault) => Self::Fault(fault),
            refusal => Self::Cart(refusal),
        }
    }
}

impl From<PaymentRefusal> for CheckoutError {
    /// What the saga asks of a payment, that payment's state allows: any other refusal is a defect.
    fn from(refusal: PaymentRefusal) -> Self {
        match refusal {
            PaymentRefusal::Fault(fault) => Self::Fault(fault),
            refusal => Self::Fault(Fault::permanent("payments", refusal)),
        }
    }
}

impl From<VaultError> for CheckoutError {
    fn from(error: VaultError) -> Self {
        Self::Fault(Fault::transient("vault", error))
    }
}

impl From<TaxRefusal> for CheckoutError {
    fn from(refusal: TaxRefusal) -> Self {
        match refusal {
            TaxRefusal::Fault(fault) => Self::Fault(fault),
            refusal => Self::Fault(Fault::permanent("tax", refusal)),
        }
    }
}

impl CheckoutService {
    /// Checkouts over their own key-space, and the rooms that they call. Reads the delivery options into memory.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn new(space: Space, ids: Ids, vault: Vault, deps: CheckoutDeps) -> Result<Self, StoreError> {
        let driving = driving::Driving::default();
        let this = Self { space, ids, vault, deps, driving, options: Arc::default() };
        this.reload().await?;
        Ok(this)
    }

    /// Reads the delivery options again: after another process has defined one.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let all = self
            .space
            .query::<DeliveryOption>(Query::index("delivery_options").prefix(IndexKey::new()).limit(1000));
        let mut options: BTreeMap<ChannelKey, Vec<DeliveryOption>> = BTreeMap::new();
        for option in all.await?.into_values() {
            options.entry(option.channel.clone()).or_default().push(option);
        }
        self.options.store(Arc::new(options));
        Ok(())
    }

    /// Defines delivery options, or changes them. The same again changes nothing and tells nothing.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn define_delivery_options(
        &self,
        options: &[DeliveryOption],
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        // Each is a document and an event.
        for chunk in options.chunks(45) {
            let define = |tx: Tx| async move {
                for option in chunk {
                    let before = tx.get::<DeliveryOption>(&Document::key(option)).await?;
                    if before.is_none_or(|before| before.value != *option) {
                        tx.put(option)?;
                        self.emit(&tx, &option.defined(), meta)?;
                    }
                }
                Ok::<_, StoreError>(())
            };
            self.space.transact(define).await?;
        }
        self.reload().await
    }

    pub(crate) fn options(&self, channel: &ChannelKey) -> Vec<DeliveryOption> {
        self.options.load().get(channel).cloned().unwrap_or_default()
    }

    pub(crate) async fn channel(&self, key: &ChannelKey) -> Result<Channel, CheckoutError> {
        let channel = self.deps.channels.channel(key.clone()).await?;
        channel.ok_or_else(|| Fault::permanent("checkout", format!("channel {key} is gone")).into())
    }

    /// The checkout, when it is the caller's own.
    ///
    /// # Errors
    /// [`CheckoutError::NotFound`], also when it is another's.
    pub async fn get(
        &self,
        id: CheckoutId,
        asks: &RequestContext,
    ) -> Result<Versioned<Checkout>, CheckoutError> {
        let found = self.space.get::<Checkout>(&Checkout::key_of(id)).await?;
        found.filter(|c| asks.is(&c.owner) || asks.may("orders:read")).ok_or(CheckoutError::NotFound(id))
    }

    /// The checkout, when it is the caller's own, for a change: operators may look, not act.
    pub(crate) async fn own(&self, id: CheckoutId, asks: &RequestContext) -> Result<Checkout, CheckoutError> {
        let found = self.get(id, asks).await?;
        if asks.is(&found.owner) { Ok(found.value) } else { Err(CheckoutError::NotFound(id)) }
    }

    pub(crate) async fn load(&self, id: CheckoutId) -> Result<Checkout, CheckoutError> {
        let found = self.space.get::<Checkout>(&Checkout::key_of(id)).await?;
        Ok(found.ok_or(CheckoutError::NotFound(id))?.value)
    }

    pub(crate) fn emit(
        &self,
        tx: &Tx,
        event: &impl EventPayload,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        tx.emit(envelope(event, meta, &self.ids, self.space.clock().as_ref())?)
    }

    /// Takes a step from what was read: if anything has changed since, none is taken. `None`: look again.
    pub(crate) async fn step(
        &self,
        read: &Checkout,
        change: impl Fn(&mut Checkout, &Tx) -> Result<(), StoreError> + Send + Sync,
    ) -> Result<Option<Checkout>, CheckoutError> {
        let (id, change) = (read.id, &change);
        let stepped = self
            .space
            .transact(|tx| async move {
                let found =
                    tx.get::<Checkout>(&Checkout::key_of(id)).await?.ok_or(CheckoutError::NotFound(id))?;
                if found.revision != read.revision {
                    return Ok(None);
                }
                let mut checkout = found.value;
                change(&mut checkout, &tx)?;
                if !read.state.allows(checkout.state) {
                    return Err(CheckoutError::State(id, checkout.state));
                }
                checkout.revision = checkout.revision.wrapping_add(1);
                checkout.trouble = None;
                tx.put(&checkout)?;
                Ok(Some(checkout))
            })
            .await?;
        if let Some(checkout) = &stepped {
            cut::at(checkout.state.name());
        }
        Ok(stepped)
    }

    /// Does what a committed decision still has to do in other rooms, and notes that it is done. May be done by several
    /// at once, and again after a crash.
    pub(crate) async fn settle(&self, checkout: Checkout) -> Result<Checkout, CheckoutError> {
        if checkout.undo.is_done() {
            return Ok(checkout);
        }
        let (undo, meta) = (checkout.undo.clone(), self.meta(&checkout));
        for payment in &undo.void {
            // Another driver may be just about to ask for it.
            let amount = checkout.tenders.iter().find(|t| t.payment == *payment).map(|t| t.amount);
            let (reference, reason) = (checkout.id.to_string(), undo.reason.clone());
            let void = Void { payment: *payment, reference, amount, reason, meta: meta.clone() };
            match self.deps.payments.void(void).await {
                Ok(()) | Err(PaymentRefusal::NotFound(_) | PaymentRefusal::State { .. }) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        for reservation in &undo.release {
            let (reservation, reason) = (*reservation, undo.reason.clone());
            let release = ReleaseReservation { reservation, reason, meta: meta.clone() };
            self.deps.inventory.release(release).await?;
        }
        if let Some(attempt) = undo.unclaim {
            let request = UnclaimCart { cart: checkout.cart, checkout: checkout.id, attempt };
            self.deps.carts.unclaim(request).await?;
        }
        let settled = self.step(&checkout, |c, _| {
            c.undo = Undo::default();
            Ok(())
        });
        match settled.await? {
            Some(settled) => Ok(settled),
            None => self.load(checkout.id).await,
        }
    }

    /// Metadata of what a checkout causes by itself.
    pub(crate) fn meta(&self, checkout: &Checkout) -> EventMeta {
        let mut meta = emporia_contracts::context::system_meta(
            "checkout",
            checkout.correlation_id.clone(),
            Some(&checkout.channel),
        );
        if let emporia_contracts::Owner::Customer(id) = &checkout.owner {
            meta.actor = format!("customer/{id}");
        }
        meta
    }
}

#[async_trait::async_trait]
impl emporia_contracts::checkout::Checkout for CheckoutService {
    async fn record(&self, fact: OrderFact) -> Result<PlacedOrder, FactRefusal> {
        self.record_fact(fact).await
    }
}
