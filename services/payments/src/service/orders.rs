//! Which payments pay which order.

use crate::{
    model::{OrderPayments, Payment},
    service::{Failed, PaymentsService},
};
use emporia_contracts::{
    ids::{OrderId, PaymentId},
    payments::PaymentRefusal,
};
use emporia_store::{IndexKey, Query, StoreError, Tx};
use futures_util::future::try_join_all;
use std::collections::HashMap;

impl PaymentsService {
    /// Ties a payment to the order that it pays. Idempotent.
    pub(super) async fn pays(&self, id: PaymentId, order: OrderId) -> Result<(), PaymentRefusal> {
        let tied = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Payment>(&Payment::key_of(id)).await?;
                let mut payment = found.ok_or(PaymentRefusal::NotFound(id))?.value;
                if payment.order.is_some_and(|known| known != order) {
                    return Err(Failed::Refused(PaymentRefusal::Reused(id)));
                }
                if payment.order.is_some() {
                    return Ok(());
                }
                self.list(&tx, &payment, order).await?;
                payment.order = Some(order);
                tx.put(&payment)?;
                Ok(())
            })
            .await;
        Ok(tied?)
    }

    /// Enters a payment that is not tied yet in its order's list.
    pub(super) async fn list(&self, tx: &Tx, payment: &Payment, order: OrderId) -> Result<(), StoreError> {
        let found = tx.get::<OrderPayments>(&OrderPayments::key_of(order)).await?;
        let mut listed = found.map_or_else(|| OrderPayments { order, payments: vec![] }, |found| found.value);
        if !listed.payments.contains(&payment.id) {
            listed.payments.push(payment.id);
            tx.put(&listed)?;
        }
        Ok(())
    }

    /// Payments of an order, oldest first.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn of_order(&self, order: OrderId) -> Result<Vec<Payment>, StoreError> {
        Ok(self.of_orders(&[order]).await?.remove(&order).unwrap_or_default())
    }

    /// Payments of orders, each oldest first, in two reads. Those of orders that are older than the lists are looked for
    /// beside each other.
    ///
    /// # Errors
    /// What the store reports.
    pub(crate) async fn of_orders(
        &self,
        orders: &[OrderId],
    ) -> Result<HashMap<OrderId, Vec<Payment>>, StoreError> {
        let keys: Vec<_> = orders.iter().map(|order| OrderPayments::key_of(*order)).collect();
        let lists = self.space.get_many::<OrderPayments>(&keys).await?;
        let listed: Vec<OrderPayments> = lists.iter().flatten().map(|list| list.value.clone()).collect();
        let keys: Vec<_> = listed.iter().flat_map(|l| &l.payments).map(|id| Payment::key_of(*id)).collect();
        let found = self.space.get_many::<Payment>(&keys).await?.into_iter().flatten();
        let mut payments: HashMap<PaymentId, Payment> = found.map(|p| (p.id, p.value)).collect();
        let mut of: HashMap<OrderId, Vec<Payment>> = HashMap::with_capacity(orders.len());
        for OrderPayments { order, payments: ids } in listed {
            let mut mine: Vec<Payment> = ids.iter().filter_map(|id| payments.remove(id)).collect();
            mine.sort_by_key(|payment| payment.created_at);
            of.insert(order, mine);
        }
        let unlisted = orders.iter().zip(&lists).filter(|(_, list)| list.is_none()).map(|(order, _)| *order);
        of.extend(try_join_all(unlisted.map(|order| self.looked_for(order))).await?);
        Ok(of)
    }

    async fn looked_for(&self, order: OrderId) -> Result<(OrderId, Vec<Payment>), StoreError> {
        let prefix = IndexKey::new().text(&order.to_string());
        let query = Query::index("payments_by_order").prefix(prefix).limit(100);
        Ok((order, self.space.query::<Payment>(query).await?.into_values()))
    }
}
