//! Kept answers follow the events: what changes is purged as it is committed, by this process or another.

use async_trait::async_trait;
use emporia_contracts::{
    catalog::{CategoryDefined, ProductCreated, ProductTypeDefined, ProductUpdated},
    channels::ChannelDefined,
    inventory::{
        Allocation, ReservationCommitted, ReservationReleased, SafetyStockSet, StockMoved, StockReserved,
    },
    pricing::PriceSet,
    values::Sku,
};
use emporia_events::{Envelope, EventError, EventPayload, Following};
use emporia_gateway::{Changes, Gateway};
use emporia_store::{LogId, LogRecord, LogWatch, Position, Store, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Events read at once.
const BATCH: usize = 256;
/// How long to wait before a log that cannot be read is read again.
const PAUSE: Duration = Duration::from_millis(200);

/// How far the events have been followed.
pub struct Fresh {
    store: Store,
    logs: Vec<Log>,
}

struct Log {
    id: LogId,
    /// The last event there is, as this process knows it: a commit moves it before it is acknowledged.
    last: LogWatch,
    /// The last event whose purges are done.
    heard: watch::Sender<Position>,
}

impl Fresh {
    /// Begins with the next event.
    ///
    /// # Errors
    /// What the store reports.
    pub fn new(store: &Store) -> Result<Arc<Self>, StoreError> {
        let log = |id: LogId| {
            let last = store.watch(&id)?;
            let heard = watch::Sender::new(last.last());
            Ok(Log { id, last, heard })
        };
        let logs = store.logs().into_iter().map(log).collect::<Result<_, StoreError>>()?;
        Ok(Arc::new(Self { store: store.clone(), logs }))
    }

    /// Purges the answers of this gateway from now on, on the present runtime, until the store closes. Where rooms follow
    /// other processes, an answer is purged when they have: it must not be made again from what they knew before.
    pub fn follow(self: &Arc<Self>, gateway: &Gateway, rooms: Option<&Following>) {
        for place in 0..self.logs.len() {
            let (fresh, gateway, rooms) = (self.clone(), gateway.clone(), rooms.cloned());
            tokio::spawn(
                async move { fresh.logs[place].follow(&fresh.store, &gateway, rooms.as_ref()).await },
            );
        }
    }
}

#[async_trait]
impl Changes for Fresh {
    fn heard(&self) -> bool {
        self.logs.iter().all(|log| *log.heard.borrow() >= log.last.last())
    }

    async fn hear(&self) {
        for log in &self.logs {
            let last = log.last.last();
            // The sender is in the log itself and does not close.
            let _ = log.heard.subscribe().wait_for(|heard| *heard >= last).await;
        }
    }
}

impl Log {
    async fn follow(&self, store: &Store, gateway: &Gateway, rooms: Option<&Following>) {
        let (mut last, mut at) = (self.last.clone(), *self.heard.borrow());
        while last.beyond(at).await.is_ok() {
            at = match store.read_log(&self.id, at, BATCH, None).await {
                Ok(batch) => {
                    if let Some(rooms) = rooms
                        && rooms.until(&self.id, batch.next).await.is_err()
                    {
                        return;
                    }
                    batch.records.iter().for_each(|record| purge(gateway, record));
                    batch.next
                }
                Err(StoreError::Closed) => return,
                Err(StoreError::LogTrimmed { .. }) => {
                    let now = last.last();
                    gateway.purge_all();
                    now
                }
                Err(error) => {
                    tracing::warn!(log = %self.id, %error, "kept answers cannot follow the log");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            self.heard.send_replace(at);
        }
    }
}

/// Drops the answers that an event changes. The tags are those of the subgraphs' `@cacheTag`s.
fn purge(gateway: &Gateway, record: &LogRecord) {
    match stale(record) {
        Ok(Stale::Nothing) => {}
        Ok(Stale::Catalog) => gateway.purge(["catalog"]),
        Ok(Stale::Skus(skus)) => {
            let tags: Vec<String> = skus.iter().map(|sku| format!("sku:{sku}")).collect();
            gateway.purge(tags.iter().map(String::as_str));
        }
        Ok(Stale::Everything) => gateway.purge_all(),
        Err(error) => {
            tracing::warn!(%error, "an event cannot be read: every kept answer is dropped");
            gateway.purge_all();
        }
    }
}

enum Stale {
    Nothing,
    Catalog,
    Skus(Vec<Sku>),
    Everything,
}

fn stale(record: &LogRecord) -> Result<Stale, EventError> {
    let payload = || Envelope::from_record(record);
    let allocated =
        |allocations: Vec<Allocation>| Stale::Skus(allocations.into_iter().map(|a| a.sku).collect());
    Ok(match record.detail_type.as_str() {
        ProductCreated::DETAIL_TYPE
        | ProductUpdated::DETAIL_TYPE
        | CategoryDefined::DETAIL_TYPE
        | ProductTypeDefined::DETAIL_TYPE => Stale::Catalog,
        // Currency, languages, stock pool: everything depends on it.
        ChannelDefined::DETAIL_TYPE => Stale::Everything,
        PriceSet::DETAIL_TYPE => Stale::Skus(vec![payload()?.payload::<PriceSet>()?.sku]),
        SafetyStockSet::DETAIL_TYPE => Stale::Skus(vec![payload()?.payload::<SafetyStockSet>()?.sku]),
        StockMoved::DETAIL_TYPE => {
            let lines = payload()?.payload::<StockMoved>()?.lines;
            Stale::Skus(lines.into_iter().map(|line| line.sku).collect())
        }
        StockReserved::DETAIL_TYPE => allocated(payload()?.payload::<StockReserved>()?.allocations),
        ReservationReleased::DETAIL_TYPE => {
            allocated(payload()?.payload::<ReservationReleased>()?.allocations)
        }
        ReservationCommitted::DETAIL_TYPE => {
            allocated(payload()?.payload::<ReservationCommitted>()?.allocations)
        }
        _ => Stale::Nothing,
    })
}
