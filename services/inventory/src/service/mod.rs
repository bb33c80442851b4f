//! The stock room: load, decide, commit.

mod levels;
pub(crate) mod movements;
mod reservations;

pub use levels::SetStockLevel;

use crate::model::{Location, StockPolicy};
use emporia_contracts::{
    Fault,
    inventory::{
        Allocation, Availability, AvailabilityRequest, CommitRefusal, CommitReservation, Inventory, ReleaseReservation,
        Reserve, ReserveRefusal, Reserved, StockFact, StockRefusal,
    },
    values::{LocationKey, Sku},
};
use emporia_events::{EventMeta, EventPayload, envelope};
use emporia_id::Ids;
use emporia_store::{Space, StoreError, Tx};
use std::sync::Arc;

/// Policies kept in memory.
const CACHED_POLICIES: u64 = 200_000;

/// Locations, stock, reservations. Cheap to clone.
#[derive(Clone)]
pub struct InventoryService {
    pub(crate) space: Space,
    pub(crate) ids: Ids,
    policies: moka::sync::Cache<Sku, Arc<StockPolicy>>,
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
    if error.is_retryable() { Fault::transient("inventory", error) } else { Fault::permanent("inventory", error) }
}

impl InventoryService {
    /// The stock room over its own key-space.
    pub fn new(space: Space, ids: Ids) -> Self {
        Self { space, ids, policies: moka::sync::Cache::new(CACHED_POLICIES) }
    }

    pub(crate) fn emit(&self, tx: &Tx, event: &impl EventPayload, meta: &EventMeta) -> Result<(), StoreError> {
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
            self.space
                .transact(|tx| async move { chunk.iter().try_for_each(|policy| tx.overwrite(policy)) })
                .await?;
            chunk.iter().for_each(|policy| self.policies.invalidate(&policy.sku));
        }
        Ok(())
    }

    /// How these SKUs are treated, in order.
    pub(crate) async fn policies(&self, skus: &[Sku]) -> Result<Vec<Arc<StockPolicy>>, StoreError> {
        let missing: Vec<Sku> = skus.iter().filter(|sku| !self.policies.contains_key(*sku)).cloned().collect();
        let keys: Vec<_> = missing.iter().map(StockPolicy::key_of).collect();
        let found = if keys.is_empty() { vec![] } else { self.space.get_many::<StockPolicy>(&keys).await? };
        let mut read = std::collections::HashMap::new();
        for (sku, policy) in missing.into_iter().zip(found) {
            let policy = Arc::new(policy.map_or_else(|| StockPolicy::standard(sku.clone()), |p| p.value));
            self.policies.insert(sku.clone(), policy.clone());
            read.insert(sku, policy);
        }
        Ok(skus
            .iter()
            .map(|sku| {
                let cached = read.get(sku).cloned().or_else(|| self.policies.get(sku));
                cached.unwrap_or_else(|| Arc::new(StockPolicy::standard(sku.clone())))
            })
            .collect())
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
