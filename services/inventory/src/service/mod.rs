//! The stock room: load, decide, commit.

pub(crate) mod levels;
pub(crate) mod movements;
mod reservations;

pub use levels::SetStockLevel;

use crate::model::{Location, StockPolicy};
use emporia_contracts::{
    Fault,
    inventory::{
        Allocation, Availability, AvailabilityRequest, CommitRefusal, CommitReservation, Inventory,
        ReleaseReservation, Reserve, ReserveRefusal, Reserved, StockFact, StockRefusal,
    },
    values::{LocationKey, Sku},
};
use emporia_events::{EventMeta, EventPayload, envelope};
use emporia_id::Ids;
use emporia_store::{Space, StoreError, Tx};
use moka::sync::Cache;
pub use reservations::ReservedStock;
use reservations::Turns;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Policies kept in memory.
const CACHED_POLICIES: u64 = 200_000;
/// How long a policy that another process changed may be taken for the old one.
const POLICY_AGE: Duration = Duration::from_secs(30);

/// Locations, stock, reservations. Cheap to clone.
#[derive(Clone)]
pub struct InventoryService {
    pub(crate) space: Space,
    pub(crate) ids: Ids,
    /// With the version of the document; 0 when there was none.
    policies: Cache<Sku, (i64, Arc<StockPolicy>)>,
    turns: Turns,
}

/// Why the stock room does not do something.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// There is no such location.
    #[error("there is no location \"{0}\": define it first")]
    UnknownLocation(LocationKey),
    /// Somebody else counted or moved since it was read.
    #[error("on hand is {actual}, not {expected}: read it again")]
    VersionConflict {
        /// What the caller had read.
        expected: i64,
        /// What it is.
        actual: i64,
    },
    /// A number is out of range.
    #[error("{0}")]
    Invalid(String),
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) fn fault(error: StoreError) -> Fault {
    if error.is_retryable() {
        Fault::transient("inventory", error)
    } else {
        Fault::permanent("inventory", error)
    }
}

impl InventoryService {
    /// The stock room over its own key-space.
    pub fn new(space: Space, ids: Ids) -> Self {
        let policies = Cache::builder().max_capacity(CACHED_POLICIES).time_to_live(POLICY_AGE).build();
        Self { space, ids, policies, turns: Turns::default() }
    }

    pub(crate) fn emit(
        &self,
        tx: &Tx,
        event: &impl EventPayload,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        tx.emit(envelope(event, meta, &self.ids, self.space.clock().as_ref())?)
    }

    /// Defines a location, or renames one.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn define_location(&self, location: Location) -> Result<(), StoreError> {
        let location = &location;
        self.space.transact(|tx| async move { tx.overwrite(location) }).await
    }

    /// Every location, by key.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn locations(&self) -> Result<Vec<Location>, StoreError> {
        let page = self.space.query::<Location>(emporia_store::Query::index("locations").limit(1000)).await?;
        Ok(page.into_values())
    }

    /// Sets how SKUs are treated: all or as many as fit one transaction at a time.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn set_policies(&self, policies: &[StockPolicy]) -> Result<(), StoreError> {
        for chunk in policies.chunks(90) {
            let landed = self
                .space
                .transact_versioned(
                    |tx| async move { chunk.iter().try_for_each(|policy| tx.overwrite(policy)) },
                )
                .await?;
            let version = landed.version.map_or(0, |version| version.get());
            chunk.iter().for_each(|policy| self.remember(version, &Arc::new(policy.clone())));
        }
        Ok(())
    }

    /// Keeps the newer of two: a reader that is slow does not put back what was replaced meanwhile.
    fn remember(&self, version: i64, policy: &Arc<StockPolicy>) {
        self.policies.entry_by_ref(&policy.sku).and_upsert_with(|kept| match kept.map(|k| k.into_value()) {
            Some(kept) if kept.0 > version => kept,
            _ => (version, policy.clone()),
        });
    }

    /// How these SKUs are treated, in order.
    pub(crate) async fn policies(&self, skus: &[Sku]) -> Result<Vec<Arc<StockPolicy>>, StoreError> {
        let mut known: HashMap<&Sku, Arc<StockPolicy>> =
            skus.iter().filter_map(|sku| Some((sku, self.policies.get(sku)?.1))).collect();
        let missing: Vec<&Sku> = skus.iter().filter(|sku| !known.contains_key(*sku)).collect();
        if !missing.is_empty() {
            let keys: Vec<_> = missing.iter().map(|sku| StockPolicy::key_of(sku)).collect();
            for (sku, found) in missing.into_iter().zip(self.space.get_many::<StockPolicy>(&keys).await?) {
                let version = found.as_ref().map_or(0, |found| found.version.get());
                let policy = found.map_or_else(|| StockPolicy::standard(sku.clone()), |found| found.value);
                let policy = Arc::new(policy);
                self.remember(version, &policy);
                known.insert(sku, policy);
            }
        }
        let standard = |sku: &Sku| Arc::new(StockPolicy::standard(sku.clone()));
        Ok(skus.iter().map(|sku| known.get(sku).cloned().unwrap_or_else(|| standard(sku))).collect())
    }
}

#[async_trait::async_trait]
impl Inventory for InventoryService {
    async fn availability(&self, request: AvailabilityRequest) -> Result<Vec<Availability>, Fault> {
        self.available(&request.skus, &request.pool).await.map_err(fault)
    }

    async fn reserve(&self, request: Reserve) -> Result<Reserved, ReserveRefusal> {
        self.hold(request).await
    }

    async fn commit(&self, request: CommitReservation) -> Result<Vec<Allocation>, CommitRefusal> {
        self.allocate(request).await
    }

    async fn release(&self, request: ReleaseReservation) -> Result<(), Fault> {
        self.give_back(request).await.map_err(fault)
    }

    async fn record(&self, request: StockFact) -> Result<(), StockRefusal> {
        self.record_fact(request).await
    }
}
