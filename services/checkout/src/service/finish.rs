//! The last steps: stock to the order, the order itself, the cart.

use crate::{
    model::{Checkout, CheckoutState},
    service::{CheckoutError, CheckoutService, Progress, pricing::demand},
};
use emporia_contracts::{
    Fault,
    carts::{CartRefusal, MarkOrdered},
    checkout::CheckoutCompleted,
    ids::OrderId,
    inventory::{Allocation, CommitRefusal, CommitReservation, ReserveRefusal},
    orders::{OrderMode, OrderRefusal, OrderTender, PlaceOrder, TenderKind},
    payments::AttachOrder,
};
use jiff::SignedDuration;

/// How long stock is held anew for somebody who has paid.
const HOLD_AGAIN: SignedDuration = SignedDuration::from_mins(5);

impl CheckoutService {
    /// Everything is paid for: make the order. Every call in here may be made again.
    pub(crate) async fn make_order(&self, checkout: &Checkout) -> Result<Option<Progress>, CheckoutError> {
        let order =
            checkout.order.ok_or_else(|| Fault::permanent("checkout", "authorised without an order's id"))?;
        // Cut off after it was made: what became of its stock and payments since then is the order's own matter.
        if let Some(made) = self.deps.orders.order(order).await? {
            return self.close(checkout, order, &made.number).await;
        }
        let snapshot = checkout.snapshot.as_ref().ok_or(CheckoutError::CartChanged)?;
        if let Err(code) = self.paid(checkout).await? {
            // It ran out, or was given up meanwhile: nothing is given for it.
            return self.declined(checkout, code).await;
        }
        let allocations = match self.allocate(checkout, order).await? {
            Ok(allocations) => allocations,
            Err(waits) => return Ok(waits),
        };
        super::cut::at("allocated");
        let channel = self.channel(&checkout.channel).await?;
        let tender = |t: &crate::model::Tender| OrderTender {
            kind: TenderKind::Card,
            amount: t.amount,
            payment_id: Some(t.payment),
            label: t.label.clone().unwrap_or_else(|| "Card".into()),
        };
        let place = PlaceOrder {
            order,
            mode: OrderMode::Request,
            external_id: None,
            channel: checkout.channel.clone(),
            number_prefix: channel.order_prefix.clone(),
            owner: Some(checkout.owner.clone()),
            customer: checkout.customer,
            person: Some(checkout.person),
            contact: Some(checkout.contact.clone()),
            locale: checkout.locale.clone(),
            country: checkout.country.clone(),
            snapshot: snapshot.clone(),
            tenders: checkout.tenders.iter().map(tender).collect(),
            allocations,
            reservation: checkout.reservation,
            checkout: Some(checkout.id),
            cart: Some(checkout.cart),
            placed_at: self.space.clock().now(),
            fulfilled_from: None,
            differences: vec![],
            meta: self.meta(checkout),
        };
        let placed = match self.deps.orders.place(place).await {
            Ok(placed) => placed,
            Err(OrderRefusal::Fault(fault)) => return Err(fault.into()),
            Err(refusal) => return Err(Fault::permanent("orders", refusal).into()),
        };
        super::cut::at("placed");
        self.close(checkout, order, &placed.number).await
    }

    /// There is an order: whatever waits for it hears of it.
    async fn close(
        &self,
        checkout: &Checkout,
        order: OrderId,
        number: &str,
    ) -> Result<Option<Progress>, CheckoutError> {
        futures_util::try_join!(self.close_cart(checkout, order), self.attach_payments(checkout, order))?;
        let total = checkout.total().ok_or(CheckoutError::CartChanged)?;
        let meta = &self.meta(checkout);
        self.step(checkout, move |c, tx| {
            c.state = CheckoutState::Completed;
            c.order_number = Some(number.to_owned());
            let event = CheckoutCompleted {
                checkout_id: c.id,
                cart_id: c.cart,
                channel: c.channel.clone(),
                order_id: order,
                total,
            };
            self.emit(tx, &event, meta)
        })
        .await?;
        Ok(None)
    }

    /// Held stock becomes the order's. If the hold ran out meanwhile, it is held anew; if the goods are gone, the
    /// payments are given up.
    async fn allocate(
        &self,
        checkout: &Checkout,
        order: OrderId,
    ) -> Result<Result<Vec<Allocation>, Option<Progress>>, CheckoutError> {
        let (Some(reservation), Some(snapshot)) = (checkout.reservation, &checkout.snapshot) else {
            return Err(CheckoutError::CartChanged);
        };
        if demand(snapshot).is_empty() {
            return Ok(Ok(vec![]));
        }
        let commit = CommitReservation { reservation, order, meta: self.meta(checkout) };
        match self.deps.inventory.commit(commit).await {
            Ok(allocations) => return Ok(Ok(allocations)),
            Err(CommitRefusal::Fault(fault)) => return Err(fault.into()),
            Err(CommitRefusal::NotHeld(_)) => {}
        }
        // It is held under the id that is noted: another driver may have noted it and not asked for it yet. Only one that
        // has ended, because the shopper took long to pay, makes place for a new one, which is noted before it is asked
        // for. So no two are ever committed to one order.
        match self.hold(checkout, HOLD_AGAIN).await {
            Ok(_) => {}
            Err(ReserveRefusal::Ended(_)) => {
                let again = self.ids.next();
                self.step(checkout, move |c, _| {
                    c.reservation = Some(again);
                    Ok(())
                })
                .await?;
            }
            Err(ReserveRefusal::Short(shortages)) => return Ok(Err(self.short(checkout, shortages).await?)),
            Err(ReserveRefusal::Fault(fault)) => return Err(fault.into()),
        }
        Ok(Err(None))
    }

    async fn close_cart(&self, checkout: &Checkout, order: OrderId) -> Result<(), CheckoutError> {
        let mark = MarkOrdered { cart: checkout.cart, order, meta: self.meta(checkout) };
        match self.deps.carts.mark_ordered(mark).await {
            Ok(()) => Ok(()),
            Err(CartRefusal::Fault(fault)) => Err(fault.into()),
            // The order exists and is paid: a cart that went away meanwhile is no reason to undo it.
            Err(refusal) => {
                tracing::warn!(cart = %checkout.cart, %order, %refusal, "the cart of an order could not be closed");
                Ok(())
            }
        }
    }

    async fn attach_payments(&self, checkout: &Checkout, order: OrderId) -> Result<(), CheckoutError> {
        for tender in &checkout.tenders {
            let attach = AttachOrder { payment: tender.payment, order, meta: self.meta(checkout) };
            self.deps.payments.attach(attach).await?;
        }
        Ok(())
    }
}
