//! The shopper's steps before the purchase.

use crate::{
    commands::{delivery, tenders::missing},
    model::{Checkout, CheckoutState, DeliveryOption, Tender, Undo},
    service::{CheckoutError, CheckoutService, pricing::Goods},
};
use emporia_contracts::{
    Principal, RequestContext,
    carts::{CartFacts, CartRequest, OpenCheckout},
    channels::Channel,
    checkout::{CheckoutCancelled, CheckoutPriced, CheckoutStarted},
    ids::{CartId, CheckoutId},
    orders::OrderContact,
    payments::PaymentMethod,
    values::{Address, Email, Locale},
};
use emporia_events::EventMeta;
use emporia_money::Money;
use emporia_store::{StoreError, Tx};
use jiff::{SignedDuration, Timestamp};

/// How long an untouched checkout lives.
pub(crate) const IDLE: SignedDuration = SignedDuration::from_hours(24);

/// Begins to check a cart out.
#[derive(Debug, Clone)]
pub struct StartCheckout {
    /// The cart.
    pub cart: CartId,
    /// Where mail about the order goes; a signed-in customer's own when absent.
    pub email: Option<Email>,
    /// Where the goods go.
    pub shipping: Address,
    /// Where the invoice goes, when it differs.
    pub billing: Option<Address>,
}

/// A delivery option with its charge for one cart and address.
pub(crate) struct Offer {
    pub(crate) option: DeliveryOption,
    pub(crate) name: String,
    pub(crate) charge: Money,
}

/// A checkout's cart as it is at one moment.
pub(crate) struct Appraisal {
    pub(crate) channel: Channel,
    pub(crate) locale: Locale,
    pub(crate) cart_revision: u32,
    pub(crate) goods: Goods,
    pub(crate) at: Timestamp,
}

impl CheckoutService {
    /// The cart, when it is the caller's own.
    async fn own_cart(&self, cart: CartId, asks: &RequestContext) -> Result<CartFacts, CheckoutError> {
        let facts = self.deps.carts.cart(CartRequest { cart }).await?;
        if asks.is(&facts.owner) {
            Ok(facts)
        } else {
            Err(emporia_contracts::carts::CartRefusal::NotFound(cart).into())
        }
    }

    /// Begins a checkout: who, and where to.
    ///
    /// # Errors
    /// [`CheckoutError`]: the cart is not the caller's, empty or gone; the country is not served.
    pub async fn start(
        &self,
        wanted: StartCheckout,
        asks: &RequestContext,
    ) -> Result<Checkout, CheckoutError> {
        let (checkout, meta) = (self.draft(wanted, asks).await?, asks.meta());
        let (this, checkout, meta) = (self, &checkout, &meta);
        self.space.transact(|tx| async move { this.insert(&tx, checkout, meta) }).await?;
        Ok(checkout.clone())
    }

    /// As [`CheckoutService::start`], once per key of this caller: the same key gives the first checkout again.
    pub(crate) async fn start_once(
        &self,
        wanted: StartCheckout,
        asks: &RequestContext,
        operation: &str,
        key: &str,
        input: &(impl serde::Serialize + Sync),
    ) -> Result<Checkout, CheckoutError> {
        let once = emporia_subgraph::idempotency(asks, operation, key, input)?;
        if let Some(id) = self.space.recall::<CheckoutId>(&once).await? {
            return self.load(id).await;
        }
        let (checkout, meta) = (self.draft(wanted, asks).await?, asks.meta());
        let (this, checkout, meta) = (self, &checkout, &meta);
        let started = self
            .space
            .transact_once(once, |tx| async move {
                this.insert(&tx, checkout, meta)?;
                Ok::<_, CheckoutError>(checkout.id)
            })
            .await?;
        self.load(started.value).await
    }

    fn insert(&self, tx: &Tx, checkout: &Checkout, meta: &EventMeta) -> Result<(), StoreError> {
        tx.insert(checkout)?;
        let event = CheckoutStarted {
            checkout_id: checkout.id,
            cart_id: checkout.cart,
            channel: checkout.channel.clone(),
            owner: checkout.owner.clone(),
        };
        self.emit(tx, &event, meta)
    }

    async fn draft(&self, wanted: StartCheckout, asks: &RequestContext) -> Result<Checkout, CheckoutError> {
        let cart = self.own_cart(wanted.cart, asks).await?;
        let channel = self.channel(&cart.channel).await?;
        if !channel.countries.contains(&wanted.shipping.country) {
            return Err(CheckoutError::CountryNotServed(wanted.shipping.country.to_string()));
        }
        if cart.lines.is_empty() {
            return Err(CheckoutError::EmptyCart(cart.id));
        }
        let (customer, person, email) = match &asks.principal {
            Principal::Customer(id) => {
                let account = self.deps.customers.account(*id).await?;
                let account = account
                    .ok_or_else(|| CheckoutError::Invalid("the account does not exist any more".into()))?;
                (Some(*id), account.person, wanted.email.unwrap_or(account.email))
            }
            _ => {
                let email = wanted
                    .email
                    .ok_or_else(|| CheckoutError::Incomplete("a mail address is needed".into()))?;
                (None, self.deps.customers.guest_person().await?, email)
            }
        };
        let contact =
            OrderContact { email, shipping: Some(wanted.shipping.clone()), billing: wanted.billing };
        let now = self.space.clock().now();
        let checkout = Checkout {
            id: self.ids.next(),
            cart: cart.id,
            cart_revision: cart.revision,
            owner: cart.owner.clone(),
            customer,
            person,
            contact: self.vault.seal(person, &contact)?,
            country: wanted.shipping.country,
            channel: cart.channel.clone(),
            locale: asks.locale.to_string(),
            correlation_id: asks.correlation_id.clone(),
            delivery_option: None,
            snapshot: None,
            reservation: None,
            allocations: vec![],
            tenders: vec![],
            order: None,
            order_number: None,
            decline_code: None,
            state: CheckoutState::Draft,
            revision: 0,
            attempt: 0,
            attempt_began: None,
            undo: Undo::default(),
            due: now + IDLE,
            trouble: None,
            started_at: now,
        };
        let open = OpenCheckout { cart: cart.id, checkout: checkout.id, meta: asks.meta() };
        self.deps.carts.open_checkout(open).await?;
        Ok(checkout)
    }

    /// What the checkout's cart is worth now, in its channel and language.
    pub(crate) async fn appraise(&self, checkout: &Checkout) -> Result<Appraisal, CheckoutError> {
        let channel = self.channel(&checkout.channel).await?;
        // The language was valid when it was stored.
        let locale = checkout.locale.parse().unwrap_or_else(|_| channel.default_locale.clone());
        let cart = self.deps.carts.cart(CartRequest { cart: checkout.cart }).await?;
        let at = self.space.clock().now();
        let goods = self.goods(&cart, &channel, &locale, at).await?;
        Ok(Appraisal { channel, locale, cart_revision: cart.revision, goods, at })
    }

    /// Ways to deliver this checkout's cart to its address, with their charges.
    pub(crate) async fn offers(&self, checkout: &Checkout) -> Result<Vec<Offer>, CheckoutError> {
        let Appraisal { goods, locale, .. } = self.appraise(checkout).await?;
        let parcel = goods.parcel(&checkout.country);
        let offer = |option: DeliveryOption| {
            let charge = delivery::charge(&option, &parcel)?;
            Some(Offer { name: delivery::name(&option, &locale), charge, option })
        };
        Ok(self.options(&checkout.channel).into_iter().filter_map(offer).collect())
    }

    /// Chooses a delivery option and prices the order with it. Stock that was held for an older price is given back.
    ///
    /// # Errors
    /// [`CheckoutError`]: the state, the option, or what pricing finds.
    pub async fn set_delivery(
        &self,
        id: CheckoutId,
        option: &str,
        asks: &RequestContext,
    ) -> Result<Checkout, CheckoutError> {
        let checkout = self.own(id, asks).await?;
        if !matches!(checkout.state, CheckoutState::Draft | CheckoutState::Priced) {
            return Err(CheckoutError::State(id, checkout.state));
        }
        self.price(checkout, Some(option)).await
    }

    /// Prices a checkout that is not under way, and stores the result.
    pub(crate) async fn price(
        &self,
        checkout: Checkout,
        option: Option<&str>,
    ) -> Result<Checkout, CheckoutError> {
        let Appraisal { channel, locale, cart_revision, goods, at: now } = self.appraise(&checkout).await?;
        let options = self.options(&checkout.channel);
        let chosen = match option {
            Some(key) => {
                let found = options.iter().find(|o| o.key == key);
                Some(
                    found
                        .ok_or_else(|| CheckoutError::DeliveryNotAvailable(key.chars().take(60).collect()))?,
                )
            }
            None if goods.shippable() => {
                return Err(CheckoutError::Incomplete("choose a delivery option first".into()));
            }
            None => None,
        };
        let snapshot = self.snapshot(goods, chosen, &channel, (&checkout.country, &locale), now).await?;
        let (snapshot, option) = (&snapshot, option.map(ToOwned::to_owned));
        let (option, revision, meta) = (&option, cart_revision, &self.meta(&checkout));
        let priced = self
            .step(&checkout, move |c, tx| {
                c.state = CheckoutState::Priced;
                c.snapshot = Some(snapshot.clone());
                c.delivery_option = option.clone();
                c.cart_revision = revision;
                c.undo.release.extend(c.reservation.take());
                c.undo.reason = "edited".into();
                c.allocations.clear();
                c.tenders.clear();
                c.decline_code = None;
                c.due = now + IDLE;
                let event = CheckoutPriced {
                    checkout_id: c.id,
                    cart_id: c.cart,
                    channel: c.channel.clone(),
                    total: snapshot.totals.total,
                    delivery_option: option.clone(),
                };
                self.emit(tx, &event, meta)
            })
            .await?;
        self.settle(priced.ok_or(CheckoutError::CartChanged)?).await
    }

    /// Adds a way to pay; what is still missing when no amount is given.
    ///
    /// # Errors
    /// [`CheckoutError`]: the state, or more than is to be paid.
    pub async fn add_payment(
        &self,
        id: CheckoutId,
        method: PaymentMethod,
        amount: Option<Money>,
        return_url: Option<String>,
        asks: &RequestContext,
    ) -> Result<Checkout, CheckoutError> {
        let now = self.space.clock().now();
        let (method, return_url) = (&method, &return_url);
        // Another tab may add a card at the same moment: then the sum is looked at again.
        for _ in 0..5 {
            let checkout = self.own(id, asks).await?;
            if checkout.state != CheckoutState::Priced {
                return Err(CheckoutError::State(id, checkout.state));
            }
            let total = checkout
                .total()
                .ok_or_else(|| CheckoutError::Incomplete("choose a delivery option first".into()))?;
            let overflow = |e: emporia_money::MoneyError| CheckoutError::Invalid(e.to_string());
            // After a declined card the failed attempt is replaced as a whole: nothing of it was taken.
            let fresh = checkout.decline_code.is_some();
            let left = missing(total, if fresh { &[] } else { &checkout.tenders }).map_err(overflow)?;
            let amount = amount.unwrap_or(left);
            if amount.minor() <= 0 && !total.is_zero() || left.minus(amount).map_err(overflow)?.is_negative()
            {
                return Err(CheckoutError::Tenders(left));
            }
            let payment = self.ids.next();
            let done = self.step(&checkout, move |c, _| {
                if fresh {
                    c.tenders.clear();
                    c.decline_code = None;
                }
                let (method, return_url) = (method.clone(), return_url.clone());
                c.tenders.push(Tender { payment, amount, method, return_url, label: None });
                c.due = now + IDLE;
                Ok(())
            });
            if let Some(done) = done.await? {
                return Ok(done);
            }
        }
        Err(emporia_contracts::Fault::transient(
            "checkout",
            "the checkout is changed by somebody else: try again",
        )
        .into())
    }

    /// Gives a checkout up. What was held goes back; a payment that waits for the shopper or the provider is voided.
    ///
    /// # Errors
    /// [`CheckoutError::State`] when the order is being made, or the checkout has ended.
    pub async fn cancel(&self, id: CheckoutId, asks: &RequestContext) -> Result<Checkout, CheckoutError> {
        let checkout = self.own(id, asks).await?;
        self.end(checkout, CheckoutState::Cancelled, "cancelled by the shopper").await
    }

    /// Ends a checkout: cancelled or expired. The decision is committed first; then whatever is held goes back.
    pub(crate) async fn end(
        &self,
        checkout: Checkout,
        to: CheckoutState,
        reason: &str,
    ) -> Result<Checkout, CheckoutError> {
        if !matches!(checkout.state, CheckoutState::Draft | CheckoutState::Priced | CheckoutState::Paying) {
            return Err(CheckoutError::State(checkout.id, checkout.state));
        }
        let meta = &self.meta(&checkout);
        let ended = self
            .step(&checkout, move |c, tx| {
                c.state = to;
                c.undo.void.extend(c.tenders.iter().map(|tender| tender.payment));
                c.undo.release.extend(c.reservation);
                c.undo.unclaim = Some(c.attempt);
                c.undo.reason = reason.to_owned();
                let (checkout_id, cart_id, channel) = (c.id, c.cart, c.channel.clone());
                if to == CheckoutState::Expired {
                    let event =
                        emporia_contracts::checkout::CheckoutExpired { checkout_id, cart_id, channel };
                    return self.emit(tx, &event, meta);
                }
                let event = CheckoutCancelled { checkout_id, cart_id, channel, reason: reason.to_owned() };
                self.emit(tx, &event, meta)
            })
            .await?;
        self.settle(ended.ok_or(CheckoutError::State(checkout.id, checkout.state))?).await
    }
}
