use crate::{
    model::{CountTask, Location, LocationKind, StockLevel},
    service::{InventoryError, InventoryService, SetStockLevel},
    subscription::Subscription,
};
use async_graphql::{
    ComplexObject, Context, Enum, InputObject, Object, Result, Schema, SimpleObject,
    dataloader::{DataLoader, Loader, NoCache},
};
use emporia_contracts::{
    Place,
    channels::Channel,
    inventory::Availability,
    values::{LocationKey, Sku},
};
use emporia_events::Live;
use emporia_store::StoreError;
use emporia_subgraph::{
    DateTime, Eager, Subgraph, UserError, UserErrorCode, access::*, bad_input, batched, caching::*, context,
    page_size, parse, recorded, run_once, store_error,
};
use serde::Serialize;
use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// Builds the subgraph.
pub fn schema(service: InventoryService, live: Live) -> Subgraph {
    let availability = batched(AvailabilityLoader(service.clone()), 1000);
    let stock = batched(StockLoader(service.clone()), 1000);
    Subgraph::new(
        Schema::build(Query, recorded(Mutation), Subscription)
            .data(service)
            .data(live)
            .data(availability)
            .data(stock),
    )
}

type Pool = Arc<Vec<LocationKey>>;
type PoolSku = (Pool, Sku);

fn by_pool(keys: &[PoolSku]) -> HashMap<Pool, Vec<Sku>> {
    keys.iter().fold(HashMap::new(), |mut pools: HashMap<Pool, Vec<Sku>>, (pool, sku)| {
        pools.entry(pool.clone()).or_default().push(sku.clone());
        pools
    })
}

/// Stock per location of many variants of one page in one look.
struct StockLoader(InventoryService);

/// What can be promised of many variants of one page in one look.
struct AvailabilityLoader(InventoryService);

impl Loader<PoolSku> for StockLoader {
    type Value = Vec<StockLevel>;
    type Error = StoreError;

    async fn load(&self, keys: &[PoolSku]) -> Result<HashMap<PoolSku, Vec<StockLevel>>, StoreError> {
        let mut found: HashMap<PoolSku, Vec<StockLevel>> = HashMap::with_capacity(keys.len());
        for (pool, skus) in by_pool(keys) {
            for level in self.0.levels(&skus, &pool).await? {
                found.entry((pool.clone(), level.sku.clone())).or_default().push(level);
            }
        }
        Ok(found)
    }
}

/// A variant as a channel sells it.
#[derive(Clone)]
struct Offer {
    channel: Channel,
    sku: Sku,
}

impl PartialEq for Offer {
    fn eq(&self, other: &Self) -> bool {
        self.sku == other.sku && Arc::ptr_eq(&self.channel, &other.channel)
    }
}

impl Eq for Offer {}

impl Hash for Offer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sku.hash(state);
    }
}

impl Loader<Offer> for AvailabilityLoader {
    type Value = Availability;
    type Error = StoreError;

    async fn load(&self, keys: &[Offer]) -> Result<HashMap<Offer, Availability>, StoreError> {
        let mut found = HashMap::with_capacity(keys.len());
        for of_one in keys.chunk_by(|a, b| Arc::ptr_eq(&a.channel, &b.channel)) {
            let Some(Offer { channel, .. }) = of_one.first() else { continue };
            let skus: Vec<Sku> = of_one.iter().map(|offer| offer.sku.clone()).collect();
            let available = self.0.available(&skus, &channel.stock_pool).await?;
            found.extend(of_one.iter().cloned().zip(available));
        }
        Ok(found)
    }
}

/// A variant, as far as stock knows it.
pub struct ProductVariant {
    sku: Sku,
}

/// What can be sold of a variant in this channel.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "VariantAvailability")]
pub struct VariantAvailability {
    /// Whether at least one unit can be ordered now.
    in_stock: bool,
    /// Units that can be promised now, over all locations of the channel; absent when units are not counted.
    quantity: Option<i32>,
    /// Whether it may be ordered beyond that.
    backorder: bool,
}

impl ProductVariant {
    pub(crate) fn of(sku: Sku) -> Self {
        Self { sku }
    }
}

#[Object(directive = cache_tag::apply("sku:{$key.sku}".into()))]
impl ProductVariant {
    /// Stock keeping unit.
    async fn sku(&self) -> String {
        self.sku.to_string()
    }

    /// What can be sold of it in the channel of this request. An indication: only the order decides.
    #[graphql(directive = cache_control::apply(10))]
    async fn availability(&self, ctx: &Context<'_>) -> Result<Eager<VariantAvailability>> {
        let offer = Offer { channel: context(ctx)?.channel.clone(), sku: self.sku.clone() };
        let loader = ctx.data::<DataLoader<AvailabilityLoader, NoCache>>()?;
        let found = loader.load_one(offer).await.map_err(store_fault)?;
        let a = found.unwrap_or(Availability {
            sku: self.sku.clone(),
            available: 0,
            tracked: true,
            backorder: false,
        });
        Ok(Eager(VariantAvailability {
            in_stock: !a.tracked || a.backorder || a.available > 0,
            quantity: a.tracked.then(|| i32::try_from(a.available).unwrap_or(i32::MAX)),
            backorder: a.backorder,
        }))
    }

    /// Stock per location of the channel.
    #[graphql(directive = requires_scopes::apply(scope_at_place("stock:read")))]
    async fn stock_levels(&self, ctx: &Context<'_>) -> Result<Vec<GraphStockLevel>> {
        let pool = Arc::new(seen(ctx)?);
        let loader = ctx.data::<DataLoader<StockLoader, NoCache>>()?;
        let levels: Option<Vec<_>> = loader.load_one((pool, self.sku.clone())).await.map_err(store_fault)?;
        Ok(levels.unwrap_or_default().into_iter().map(Into::into).collect())
    }
}

/// Stock of a SKU at a location, in units.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "StockLevel")]
pub struct GraphStockLevel {
    /// Stock keeping unit.
    sku: String,
    /// Key of the location.
    location: String,
    /// Sum of all movements.
    on_hand: i64,
    /// onHand − damaged − allocated − reserved − safety.
    available: i64,
    /// Held for checkouts.
    reserved: i64,
    /// Belongs to orders.
    allocated: i64,
    /// There but not for sale.
    damaged: i64,
    /// Kept back.
    safety: i64,
}

impl From<StockLevel> for GraphStockLevel {
    fn from(l: StockLevel) -> Self {
        Self {
            sku: l.sku.to_string(),
            location: l.location.to_string(),
            on_hand: l.on_hand,
            available: l.available,
            reserved: l.reserved,
            allocated: l.allocated,
            damaged: l.damaged,
            safety: l.safety,
        }
    }
}

/// What kind of place a location is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "LocationKind", remote = "LocationKind")]
pub enum GraphLocationKind {
    /// Ships to customers.
    Warehouse,
    /// Sells over the counter; may ship too.
    Store,
}

/// A place where stock is.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Location")]
pub struct GraphLocation {
    /// Its key: lower-case letters, digits and hyphens.
    key: String,
    /// Its name for people.
    name: String,
    /// Warehouse or store.
    kind: GraphLocationKind,
    /// ISO 3166-1 alpha-2.
    country_code: String,
}

impl From<Location> for GraphLocation {
    fn from(l: Location) -> Self {
        Self {
            key: l.key.to_string(),
            name: l.name,
            kind: l.kind.into(),
            country_code: l.country.to_string(),
        }
    }
}

/// Somebody should count.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "CountTask", complex)]
pub struct GraphCountTask {
    /// The task.
    id: async_graphql::ID,
    /// What to count.
    sku: String,
    /// Key of the location.
    location: String,
    /// On hand by the ledger when the task was raised.
    on_hand: i64,
    #[graphql(skip)]
    raised: jiff::Timestamp,
}

#[ComplexObject]
impl GraphCountTask {
    /// When it was raised.
    async fn raised_at(&self) -> DateTime {
        self.raised.into()
    }
}

impl From<CountTask> for GraphCountTask {
    fn from(t: CountTask) -> Self {
        Self {
            id: t.id.to_string().into(),
            sku: t.sku.to_string(),
            location: t.location.to_string(),
            on_hand: t.on_hand,
            raised: t.raised_at,
        }
    }
}

/// Sets what is there.
#[derive(Debug, InputObject, Serialize)]
pub struct SetStockLevelInput {
    /// Stock keeping unit.
    sku: String,
    /// Key of the location.
    location: String,
    /// Units that are there, in all.
    on_hand: Option<i64>,
    /// Units to keep back.
    safety: Option<i64>,
    /// Refuse when another number is on hand now: compare-and-set.
    expected_on_hand: Option<i64>,
    /// The same key with the same input changes nothing a second time.
    idempotency_key: Option<String>,
}

/// Defines a location, or renames one.
#[derive(Debug, InputObject)]
pub struct DefineLocationInput {
    key: String,
    name: String,
    kind: GraphLocationKind,
    /// ISO 3166-1 alpha-2.
    country_code: String,
}

/// The location as it is now.
#[derive(Debug, SimpleObject)]
pub struct DefineLocationPayload {
    location: GraphLocation,
}

/// What came of it.
#[derive(Debug, SimpleObject)]
pub struct SetStockLevelPayload {
    /// The level as it is now; absent when it was not set.
    stock_level: Option<GraphStockLevel>,
    /// What to put right.
    user_errors: Vec<UserError>,
}

/// What whoever sees stock holds.
const READ: &str = "stock:read";

/// Locations of the channel whose stock the caller may see.
fn seen(ctx: &Context<'_>) -> Result<Vec<LocationKey>> {
    let asks = context(ctx)?;
    let pool = asks.channel.stock_pool.iter();
    Ok(pool.filter(|location| asks.may_at(READ, [&Place::from((*location).clone())])).cloned().collect())
}

fn store_fault(error: StoreError) -> async_graphql::Error {
    store_error("inventory", error)
}

/// Questions about stock.
pub struct Query;

#[Object]
impl Query {
    /// Every location, by key.
    #[graphql(
        directive = public::apply(),
        directive = cache_control::apply(60),
        directive = cache_tag::apply("locations".into())
    )]
    async fn locations(&self, ctx: &Context<'_>) -> Result<Vec<GraphLocation>> {
        let locations = ctx.data::<InventoryService>()?.locations().await.map_err(store_fault)?;
        Ok(locations.into_iter().map(Into::into).collect())
    }

    /// Stock of SKUs at every location of the channel.
    #[graphql(directive = requires_scopes::apply(scope_at_place("stock:read")))]
    async fn stock_levels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100 SKUs.")] skus: Vec<String>,
    ) -> Result<Vec<GraphStockLevel>> {
        if skus.len() > 100 {
            return Err(bad_input("skus: at most 100 at once"));
        }
        let skus: Vec<Sku> = skus.iter().map(|sku| parse("skus", sku)).collect::<Result<_>>()?;
        let pool = seen(ctx)?;
        let levels = ctx.data::<InventoryService>()?.levels(&skus, &pool).await.map_err(store_fault)?;
        Ok(levels.into_iter().map(Into::into).collect())
    }

    /// Count tasks that nobody has settled, oldest first.
    #[graphql(directive = requires_scopes::apply(scope_at_place("stock:read")))]
    async fn open_count_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 100, 50 when absent.")] first: Option<i32>,
    ) -> Result<Vec<GraphCountTask>> {
        let limit = page_size(first, None, 50)?;
        let tasks = ctx.data::<InventoryService>()?.open_count_tasks(limit).await.map_err(store_fault)?;
        let asks = context(ctx)?;
        let tasks = tasks.into_iter().filter(|task| asks.may_at(READ, [&task.location.clone().into()]));
        Ok(tasks.map(Into::into).collect())
    }

    /// A variant by its identity across services.
    #[graphql(entity)]
    async fn find_product_variant_by_sku(
        &self,
        #[graphql(key)] sku: String,
    ) -> Result<Eager<ProductVariant>> {
        Ok(Eager(ProductVariant { sku: parse("sku", &sku)? }))
    }
}

/// Changes of stock.
pub struct Mutation;

#[Object]
impl Mutation {
    /// Defines a location, or renames one. The same again changes nothing.
    // No event tells it, so the field says itself what it makes old.
    #[graphql(
        directive = requires_scopes::apply(scope_at_place("channels:write")),
        directive = cache_tag::apply("locations".into())
    )]
    async fn define_location(
        &self,
        ctx: &Context<'_>,
        input: DefineLocationInput,
    ) -> Result<DefineLocationPayload> {
        if input.name.trim().is_empty() || input.name.len() > 200 || input.name.chars().any(char::is_control)
        {
            return Err(bad_input("name: 1 to 200 visible characters"));
        }
        let location = Location {
            key: parse("key", &input.key)?,
            name: input.name,
            kind: input.kind.into(),
            country: parse("countryCode", &input.country_code)?,
        };
        permitted_at(ctx, "channels:write", &[location.key.clone().into()])?;
        ctx.data::<InventoryService>()?.define_location(location.clone()).await.map_err(store_fault)?;
        Ok(DefineLocationPayload { location: location.into() })
    }

    /// Sets how many units are there, or are kept back. The difference becomes a movement.
    #[graphql(directive = requires_scopes::apply(scope_at_place("stock:write")))]
    async fn set_stock_level(
        &self,
        ctx: &Context<'_>,
        input: SetStockLevelInput,
    ) -> Result<SetStockLevelPayload> {
        let request = SetStockLevel {
            sku: parse("sku", &input.sku)?,
            location: parse("location", &input.location)?,
            on_hand: input.on_hand,
            safety: input.safety,
            expected_on_hand: input.expected_on_hand,
            meta: context(ctx)?.meta(),
        };
        permitted_at(ctx, "stock:write", &[request.location.clone().into()])?;
        let refused = |code, field, message: String| SetStockLevelPayload {
            stock_level: None,
            user_errors: vec![UserError::new(code, field, message)],
        };
        let service = ctx.data::<InventoryService>()?;
        let (key, wanted) = (input.idempotency_key.as_deref(), &request);
        let set = run_once(&service.space, context(ctx)?, "setStockLevel", key, &input, |tx| async move {
            service.set_level_in(&tx, wanted).await
        });
        let level = match set.await {
            Ok(()) => service.level(&request.sku, &request.location).await,
            Err(error) => Err(error),
        };
        Ok(match level {
            Ok(level) => SetStockLevelPayload { stock_level: Some(level.into()), user_errors: vec![] },
            Err(InventoryError::Store(error)) => return Err(store_fault(error)),
            Err(e @ InventoryError::UnknownLocation(_)) => {
                refused(UserErrorCode::NotFound, "location", e.to_string())
            }
            Err(e @ InventoryError::VersionConflict { .. }) => {
                refused(UserErrorCode::VersionConflict, "expectedOnHand", e.to_string())
            }
            Err(e @ InventoryError::Invalid(_)) => refused(UserErrorCode::Invalid, "", e.to_string()),
        })
    }
}
