//! From the shopper's word to the order: each step committed before the next.

use crate::{
    commands::tenders::missing,
    model::{Checkout, CheckoutState, Tender},
    service::{
        CheckoutError, CheckoutService, Progress,
        pricing::demand,
        steps::{Appraisal, IDLE},
    },
};
use emporia_contracts::{
    Fault, RequestContext,
    carts::{CartRefusal, CartRequest, ClaimCart},
    checkout::{CheckoutPaymentFailed, CheckoutShort},
    ids::CheckoutId,
    inventory::{Allocation, Reserve, ReserveRefusal, Shortage},
    payments::{Authorise, PROVIDER_UNAVAILABLE, PaymentFacts, PaymentRequest, PaymentState},
};
use emporia_money::Money;
use jiff::SignedDuration;

/// How long stock is held for a purchase.
const HOLD: SignedDuration = SignedDuration::from_mins(15);
/// When somebody else takes on what stands still.
const STALLED: SignedDuration = SignedDuration::from_secs(20);
/// Steps of one call: a saga that goes round in circles ends as a fault, not as a hot loop.
const MOST_STEPS: usize = 24;

impl CheckoutService {
    /// The shopper says: buy. Idempotent: a completed checkout gives its order again.
    ///
    /// # Errors
    /// [`CheckoutError`]: what is missing, or changed since the shopper looked.
    pub async fn complete(
        &self,
        id: CheckoutId,
        expected_total: Option<Money>,
        asks: &RequestContext,
    ) -> Result<(Checkout, Progress), CheckoutError> {
        let checkout = self.settle(self.own(id, asks).await?).await?;
        match checkout.state {
            CheckoutState::Draft => {
                return Err(CheckoutError::Incomplete("choose a delivery option first".into()));
            }
            CheckoutState::Priced => self.begin(checkout, expected_total).await?,
            CheckoutState::Cancelled | CheckoutState::Expired => {
                return Err(CheckoutError::State(id, checkout.state));
            }
            _ => {}
        }
        self.advance(id).await
    }

    /// Checks what the shopper is about to buy, and commits to it.
    async fn begin(&self, checkout: Checkout, expected_total: Option<Money>) -> Result<(), CheckoutError> {
        let cart = self.deps.carts.cart(CartRequest { cart: checkout.cart }).await?;
        if cart.ordered.is_some() {
            // Perhaps by this very checkout, driven by another call since it was read.
            let now = self.load(checkout.id).await?;
            return if now.state == checkout.state {
                Err(CheckoutError::State(checkout.id, checkout.state))
            } else {
                Ok(())
            };
        }
        let option = checkout.delivery_option.clone();
        if cart.revision != checkout.cart_revision {
            // What the shopper saw is void; he sees the new total before he pays.
            self.price(checkout, option.as_deref()).await?;
            return Err(CheckoutError::CartChanged);
        }
        let checkout = self.cheaper(checkout).await?;
        let snapshot = checkout.snapshot.as_ref().ok_or(CheckoutError::CartChanged)?;
        let total = snapshot.totals.total;
        if let Some(expected) = expected_total.filter(|expected| *expected != total) {
            return Err(CheckoutError::TotalChanged { expected, actual: total });
        }
        let checkout = self.once_more(checkout).await?;
        if checkout.decline_code.is_some() {
            return Err(CheckoutError::Incomplete("the last payment was declined: add another".into()));
        }
        let open = missing(total, &checkout.tenders).map_err(|e| CheckoutError::Invalid(e.to_string()))?;
        if !open.is_zero() {
            return Err(CheckoutError::Tenders(open));
        }
        let reservation = checkout.reservation.unwrap_or_else(|| self.ids.next());
        let order = checkout.order.unwrap_or_else(|| self.ids.next());
        let now = self.space.clock().now();
        let begun = self.step(&checkout, move |c, _| {
            c.state = CheckoutState::Reserving;
            c.reservation = Some(reservation);
            c.order = Some(order);
            c.attempt = c.attempt.saturating_add(1);
            c.attempt_began = Some(now);
            c.due = now + STALLED;
            Ok(())
        });
        match begun.await? {
            Some(_) => Ok(()),
            // Somebody changed it since it was checked, or began the same purchase: look what it is now.
            None if self.load(checkout.id).await?.state == CheckoutState::Priced => {
                Err(CheckoutError::CartChanged)
            }
            None => Ok(()),
        }
    }

    /// When the provider was not available, nothing has become of the means of payment: the shopper only has to ask
    /// again, and the provider is asked for a new payment. Of several tenders others may be used up.
    async fn once_more(&self, checkout: Checkout) -> Result<Checkout, CheckoutError> {
        if checkout.decline_code.as_deref() != Some(PROVIDER_UNAVAILABLE) || checkout.tenders.len() != 1 {
            return Ok(checkout);
        }
        let payment = self.ids.next();
        let anew = self.step(&checkout, move |c, _| {
            c.decline_code = None;
            c.tenders.iter_mut().for_each(|tender| tender.payment = payment);
            Ok(())
        });
        match anew.await? {
            Some(anew) => Ok(anew),
            None => self.load(checkout.id).await,
        }
    }

    /// A price that fell since the snapshot is passed on, when one tender pays all; it never rises.
    async fn cheaper(&self, checkout: Checkout) -> Result<Checkout, CheckoutError> {
        let (Some(old), [_]) = (checkout.total(), checkout.tenders.as_slice()) else { return Ok(checkout) };
        let Ok(fresh) = self.fresh(&checkout).await else {
            // Today it could not be bought (a price ended); what was promised holds.
            return Ok(checkout);
        };
        if fresh.totals.total.minor() >= old.minor() {
            return Ok(checkout);
        }
        let fresh = &fresh;
        let lowered = self.step(&checkout, move |c, _| {
            if let [tender] = c.tenders.as_mut_slice() {
                tender.amount = fresh.totals.total;
                c.snapshot = Some(fresh.clone());
            }
            Ok(())
        });
        match lowered.await? {
            Some(lowered) => Ok(lowered),
            None => self.load(checkout.id).await,
        }
    }

    async fn fresh(
        &self,
        checkout: &Checkout,
    ) -> Result<emporia_contracts::orders::PricedSnapshot, CheckoutError> {
        let Appraisal { channel, locale, goods, at, .. } = self.appraise(checkout).await?;
        let options = self.options(&checkout.channel);
        let option = options.iter().find(|o| Some(&o.key) == checkout.delivery_option.as_ref());
        self.snapshot(goods, option, &channel, (&checkout.country, &locale), at).await
    }

    /// Takes a checkout on from wherever it stands, until it ends or has to wait for somebody. Several may do so at
    /// once: every step is taken by one of them, and all get the same result.
    ///
    /// # Errors
    /// A fault: the checkout stays where it is and is taken on later.
    pub async fn advance(&self, id: CheckoutId) -> Result<(Checkout, Progress), CheckoutError> {
        let driver = self.driving.begin(id);
        for _ in 0..MOST_STEPS {
            let checkout = self.settle(self.load(id).await?).await?;
            let waits = match checkout.state {
                CheckoutState::Reserving => self.reserve(&checkout).await?,
                CheckoutState::Paying => self.pay(&checkout).await?,
                CheckoutState::Authorised => self.make_order(&checkout).await?,
                CheckoutState::Completed => {
                    let order = checkout
                        .order
                        .ok_or_else(|| Fault::permanent("checkout", "completed without order"))?;
                    return Ok((checkout, Progress::Completed(order)));
                }
                CheckoutState::Priced => {
                    // Another call brought it back: short of stock, or declined.
                    let code = checkout.decline_code.clone();
                    return Ok((checkout, Progress::Declined(code)));
                }
                state => return Err(CheckoutError::State(id, state)),
            };
            if let Some(progress) = waits {
                // What is waited for may have come meanwhile: whoever heard of it left it to this call.
                if matches!(progress, Progress::ActionRequired(_) | Progress::Pending) && driver.news() {
                    continue;
                }
                return Ok((self.settle(self.load(id).await?).await?, progress));
            }
        }
        Err(Fault::transient("checkout", format!("checkout {id} does not come to an end")).into())
    }

    /// Claims the cart and holds the stock, both at once; without both nothing is bought.
    async fn reserve(&self, checkout: &Checkout) -> Result<Option<Progress>, CheckoutError> {
        let id = checkout.id;
        let (cart, attempt, revision) = (checkout.cart, checkout.attempt, checkout.cart_revision);
        let claim = ClaimCart { cart, checkout: id, attempt, revision };
        let (claimed, held) = futures_util::join!(self.deps.carts.claim(claim), self.hold(checkout, HOLD));
        if let Err(refusal) = claimed {
            return self.not_claimed(checkout, refusal).await;
        }
        let reserved = match held {
            Ok(allocations) => allocations,
            Err(ReserveRefusal::Short(shortages)) => return self.short(checkout, shortages).await,
            // An older attempt was released meanwhile: begin again under a new id.
            Err(ReserveRefusal::Ended(_)) => {
                let fresh = self.ids.next();
                self.step(checkout, move |c, _| {
                    c.reservation = Some(fresh);
                    Ok(())
                })
                .await?;
                return Ok(None);
            }
            Err(ReserveRefusal::Fault(fault)) => return Err(fault.into()),
        };
        super::cut::at("held");
        let reserved = &reserved;
        self.step(checkout, move |c, _| {
            c.state = CheckoutState::Paying;
            c.allocations = reserved.clone();
            Ok(())
        })
        .await?;
        Ok(None)
    }

    /// Holds what the checkout needs, under the reservation that it has noted.
    pub(crate) async fn hold(
        &self,
        checkout: &Checkout,
        how_long: SignedDuration,
    ) -> Result<Vec<Allocation>, ReserveRefusal> {
        let (Some(snapshot), Some(reservation)) = (&checkout.snapshot, checkout.reservation) else {
            return Err(Fault::permanent("checkout", "a checkout under way without a snapshot").into());
        };
        let demand = demand(snapshot);
        if demand.is_empty() {
            return Ok(vec![]);
        }
        let channel = self.deps.channels.channel(checkout.channel.clone()).await?;
        let channel = channel.ok_or_else(|| Fault::permanent("checkout", "the channel is gone"))?;
        let request = Reserve {
            reservation,
            demand,
            pool: channel.stock_pool.clone(),
            until: self.space.clock().now() + how_long,
            holder: format!("checkout/{}", checkout.id),
            meta: self.meta(checkout),
        };
        Ok(self.deps.inventory.reserve(request).await?.allocations)
    }

    /// The cart is another's now, was edited or sold: whatever is held goes back.
    async fn not_claimed(
        &self,
        checkout: &Checkout,
        refusal: CartRefusal,
    ) -> Result<Option<Progress>, CheckoutError> {
        if let CartRefusal::Fault(fault) = refusal {
            return Err(fault.into());
        }
        let now = self.space.clock().now();
        let back = self.step(checkout, move |c, _| {
            c.state = CheckoutState::Priced;
            c.undo.release.extend(c.reservation.take());
            c.undo.reason = "the cart changed".into();
            c.due = now + IDLE;
            Ok(())
        });
        // Another driver was quicker, and the cart is claimed or sold by this very checkout: its result is this one's.
        let Some(back) = back.await? else { return Ok(None) };
        self.settle(back).await?;
        Err(match refusal {
            CartRefusal::Changed { .. } => CheckoutError::CartChanged,
            refusal => CheckoutError::Cart(refusal),
        })
    }

    /// Back to `priced`: the shopper changes the cart. What was paid for it meanwhile is given up.
    pub(crate) async fn short(
        &self,
        checkout: &Checkout,
        shortages: Vec<Shortage>,
    ) -> Result<Option<Progress>, CheckoutError> {
        let (meta, told) = (&self.meta(checkout), &shortages);
        let now = self.space.clock().now();
        let paid = checkout.state == CheckoutState::Authorised;
        let back = self.step(checkout, move |c, tx| {
            c.state = CheckoutState::Priced;
            c.undo.release.extend(c.reservation.take());
            c.undo.unclaim = Some(c.attempt);
            c.undo.reason = "sold out".into();
            if paid {
                c.undo.void.extend(c.tenders.drain(..).map(|tender| tender.payment));
            }
            c.allocations.clear();
            c.due = now + IDLE;
            let event = CheckoutShort {
                checkout_id: c.id,
                cart_id: c.cart,
                channel: c.channel.clone(),
                shortages: told.clone(),
            };
            self.emit(tx, &event, meta)
        });
        Ok(back.await?.map(|_| Progress::Short(shortages)))
    }

    /// Asks for every payment; none is asked twice, since their ids were committed before.
    async fn pay(&self, checkout: &Checkout) -> Result<Option<Progress>, CheckoutError> {
        let mut facts = Vec::with_capacity(checkout.tenders.len());
        for tender in &checkout.tenders {
            facts.push(self.deps.payments.authorise(self.authorise(checkout, tender)).await?);
            if facts.last().is_some_and(|p| gone(p.state)) {
                break;
            }
        }
        if let Some(failed) = facts.iter().find(|p| gone(p.state)) {
            return self.declined(checkout, failed.decline_code.clone()).await;
        }
        if let Some(url) = facts
            .iter()
            .find_map(|p| p.action_url.clone().filter(|_| p.state == PaymentState::RequiresAction))
        {
            return Ok(Some(Progress::ActionRequired(url)));
        }
        if facts.iter().any(|p| !held(p.state)) {
            return Ok(Some(Progress::Pending));
        }
        super::cut::at("paid");
        let facts = &facts;
        self.step(checkout, move |c, _| {
            c.state = CheckoutState::Authorised;
            for (tender, payment) in c.tenders.iter_mut().zip(facts) {
                tender.label = Some(label(payment));
            }
            Ok(())
        })
        .await?;
        Ok(None)
    }

    fn authorise(&self, checkout: &Checkout, tender: &Tender) -> Authorise {
        Authorise {
            payment: tender.payment,
            reference: checkout.id.to_string(),
            amount: tender.amount,
            method: tender.method.clone(),
            return_url: tender.return_url.clone(),
            meta: self.meta(checkout),
        }
    }

    /// A payment failed: the others are given up, the stock stays held for another try. `None`: another was quicker.
    pub(crate) async fn declined(
        &self,
        checkout: &Checkout,
        code: Option<String>,
    ) -> Result<Option<Progress>, CheckoutError> {
        let (meta, told) = (&self.meta(checkout), &code);
        let now = self.space.clock().now();
        let back = self.step(checkout, move |c, tx| {
            c.state = CheckoutState::Priced;
            c.decline_code = Some(told.clone().unwrap_or_else(|| "declined".into()));
            c.undo.void.extend(c.tenders.iter().map(|tender| tender.payment));
            c.undo.unclaim = Some(c.attempt);
            c.undo.reason = "a payment of the order failed".into();
            c.due = now + IDLE;
            let event = CheckoutPaymentFailed {
                checkout_id: c.id,
                cart_id: c.cart,
                channel: c.channel.clone(),
                decline_code: told.clone(),
            };
            self.emit(tx, &event, meta)
        });
        Ok(back.await?.map(|_| Progress::Declined(code)))
    }

    /// Whether every payment of the checkout still holds its money: asked again before anything is given for it.
    pub(crate) async fn paid(
        &self,
        checkout: &Checkout,
    ) -> Result<Result<(), Option<String>>, CheckoutError> {
        for tender in &checkout.tenders {
            let request = PaymentRequest { payment: tender.payment, refresh: false };
            let payment = self.deps.payments.payment(request).await?;
            if !held(payment.state) {
                return Ok(Err(payment.decline_code));
            }
        }
        Ok(Ok(()))
    }
}

/// Nothing will come of it.
fn gone(state: PaymentState) -> bool {
    matches!(state, PaymentState::Failed | PaymentState::Voided | PaymentState::Expired)
}

/// The money is held or already taken.
fn held(state: PaymentState) -> bool {
    matches!(state, PaymentState::Authorised | PaymentState::Captured)
}

fn label(payment: &PaymentFacts) -> String {
    match (&payment.card_brand, &payment.card_last4) {
        (Some(brand), Some(last4)) => format!("{brand} •••• {last4}"),
        _ => "Card".to_owned(),
    }
}
