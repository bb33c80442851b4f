//! What runs behind the rooms: consumers of the log, and sweeps.

use crate::platform::Platform;
use emporia_audit::Sealer;
use emporia_checkout::CheckoutService;
use emporia_contracts::payments::{PaymentAuthorised, PaymentExpired, PaymentFailed, PaymentVoided};
use emporia_events::{Consumer, ConsumerHandle, Envelope, EventLog, EventPayload, Handler, HandlerError};
use emporia_inventory::StockFollowsOrders;
use emporia_mail::MailFollowsOrders;
use emporia_orders::OrdersFollowPayments;
use emporia_payments::PaymentsFollowOrders;
use emporia_store::{SpaceSchema, StoreError, Tx};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

// Names of the consumers.
const STOCK: &str = "stock-follows-orders";
const ORDERS: &str = "orders-follow-payments";
const PAYMENTS: &str = "payments-follow-orders";
const CHECKOUT: &str = "checkout-follows-payments";
const MAIL: &str = "mail";
const AUDIT: &str = Sealer::NAME;

/// How often the sweeps look.
const SWEEP: Duration = Duration::from_secs(5);
/// How often the sweep looks that does what orders want of their payments.
const SOON: Duration = Duration::from_secs(1);

/// The key-space of consumers that belong to no room.
pub(super) fn space() -> SpaceSchema {
    SpaceSchema::new("tasks").with(emporia_audit::recorded).schema(1).with(emporia_events::consumers)
}

/// A payment was decided: the checkout that waits for it goes on.
struct CheckoutFollowsPayments(CheckoutService);

impl CheckoutFollowsPayments {
    /// Whether it follows events of this kind.
    fn follows(source: &str, detail_type: &str) -> bool {
        source == PaymentAuthorised::SOURCE
            && [
                PaymentAuthorised::DETAIL_TYPE,
                PaymentFailed::DETAIL_TYPE,
                PaymentVoided::DETAIL_TYPE,
                PaymentExpired::DETAIL_TYPE,
            ]
            .contains(&detail_type)
    }
}

#[async_trait::async_trait]
impl Handler for CheckoutFollowsPayments {
    fn wants(&self, source: &str, detail_type: &str) -> bool {
        Self::follows(source, detail_type)
    }

    async fn handle(&self, event: &Envelope, _: &Tx) -> Result<(), HandlerError> {
        let payment = if event.is::<PaymentAuthorised>() {
            event.payload::<PaymentAuthorised>()?.payment
        } else if event.is::<PaymentFailed>() {
            event.payload::<PaymentFailed>()?.payment
        } else if event.is::<PaymentVoided>() {
            event.payload::<PaymentVoided>()?.payment
        } else {
            event.payload::<PaymentExpired>()?.payment
        };
        // The saga is idempotent: being driven by the shopper and by this event at once gives one result. What keeps it
        // from going on now is no reason to set the event aside: recovery takes the checkout on when it is due.
        if let Err(error) = self.0.on_payment(&payment).await {
            tracing::info!(payment = %payment.payment_id, %error, "a decided payment's checkout goes on later");
        }
        Ok(())
    }
}

/// Which events a consumer follows, by its name.
pub(crate) fn follows(consumer: &str) -> Option<fn(&str, &str) -> bool> {
    Some(match consumer {
        STOCK => StockFollowsOrders::follows,
        ORDERS => OrdersFollowPayments::follows,
        PAYMENTS => PaymentsFollowOrders::follows,
        CHECKOUT => CheckoutFollowsPayments::follows,
        MAIL => MailFollowsOrders::follows,
        AUDIT => Sealer::follows,
        _ => return None,
    })
}

/// The running tasks. Dropping them stops them; [`Tasks::stop`] waits for what is under way.
pub struct Tasks {
    consumers: Vec<ConsumerHandle>,
    sweeps: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Tasks {
    /// Starts the consumers and the sweeps.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn start(platform: &Platform) -> Result<Self, StoreError> {
        let (stop, stopped) = watch::channel(false);
        let consumers = Self::consumers(platform).await?;
        let (checkout, carts) = (platform.checkout.clone(), platform.carts.clone());
        let (inventory, payments) = (platform.inventory.clone(), platform.payments.clone());
        let (customers, mail) = (platform.customers.clone(), platform.mail.clone());
        let sweeps = vec![
            every("checkout", SWEEP, stopped.clone(), move || {
                let checkout = checkout.clone();
                async move { checkout.recover().await.map_err(|e| e.to_string()) }
            }),
            every("carts", SWEEP, stopped.clone(), move || {
                let carts = carts.clone();
                async move { carts.sweep().await.map_err(|e| e.to_string()) }
            }),
            every("inventory", SWEEP, stopped.clone(), move || {
                let inventory = inventory.clone();
                async move { inventory.sweep().await.map_err(|e| e.to_string()) }
            }),
            every("payments", SOON, stopped.clone(), move || {
                let payments = payments.clone();
                async move { payments.sweep().await.map_err(|e| e.to_string()) }
            }),
            every("customers", SWEEP, stopped.clone(), move || {
                let customers = customers.clone();
                async move { customers.sweep().await.map(|_| 0).map_err(|e| e.to_string()) }
            }),
            every("mail", SWEEP, stopped, move || {
                let mail = mail.clone();
                async move { mail.deliver().await.map_err(|e| e.to_string()) }
            }),
        ];
        Ok(Self { consumers, sweeps, stop })
    }

    /// The consumers alone, without sweeps: for commands that need events to be followed.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn consumers(platform: &Platform) -> Result<Vec<ConsumerHandle>, StoreError> {
        let (stock, orders) = (platform.inventory.clone(), platform.orders.clone());
        let (payments, checkout) = (platform.payments.clone(), platform.checkout.clone());
        let sealer = Sealer::new(platform.store.clone(), platform.chain_key.clone())?;
        Ok(vec![
            consumer(platform, STOCK, "inventory", StockFollowsOrders(stock)).await?,
            consumer(platform, ORDERS, "orders", OrdersFollowPayments(orders)).await?,
            consumer(platform, PAYMENTS, "payments", PaymentsFollowOrders(payments)).await?,
            consumer(platform, CHECKOUT, "tasks", CheckoutFollowsPayments(checkout)).await?,
            consumer(platform, MAIL, "mail", MailFollowsOrders(platform.mail.clone())).await?,
            consumer(platform, AUDIT, emporia_audit::SPACE, sealer).await?,
        ])
    }

    /// The consumers by name, to see how far they are.
    pub fn consumer(&self, name: &str) -> Option<&ConsumerHandle> {
        self.consumers.iter().find(|c| c.name() == name)
    }

    /// Waits until every consumer has handled what is in the log now.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn caught_up(&self) -> Result<(), StoreError> {
        for consumer in &self.consumers {
            consumer.caught_up().await?;
        }
        Ok(())
    }

    /// Stops everything after what is under way.
    pub async fn stop(self) {
        // Nobody listening means that all have ended.
        let _ = self.stop.send(true);
        for sweep in self.sweeps {
            let _ = sweep.await;
        }
        for consumer in self.consumers {
            consumer.shutdown().await;
        }
    }
}

/// Starts a consumer that keeps its position in a room's space.
async fn consumer(
    platform: &Platform,
    name: &str,
    space: &str,
    handler: impl Handler,
) -> Result<ConsumerHandle, StoreError> {
    let log: Arc<dyn EventLog> = Arc::new(platform.store.clone());
    Consumer::new(name, log, platform.store.space(space)?, handler).start().await
}

/// Runs a sweep every few seconds, again at once while it finds something, until it is told to stop.
fn every<F, Fut>(
    name: &'static str,
    pause: Duration,
    mut stopped: watch::Receiver<bool>,
    sweep: F,
) -> JoinHandle<()>
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = Result<usize, String>> + Send,
{
    tokio::spawn(async move {
        while !*stopped.borrow() {
            match sweep().await {
                Ok(found) if found >= 100 => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(sweep = name, error, "a sweep failed; it will be run again"),
            }
            tokio::select! {
                _ = tokio::time::sleep(pause) => {}
                _ = stopped.changed() => {}
            }
        }
    })
}
