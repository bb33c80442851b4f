//! Carts: load, decide, commit.

mod contract;
mod sweep;
mod valuation;

pub use valuation::{CartLineValue, CartNotice, CartValue};

use crate::{
    commands::{self, Addition, CartRefusal, MergeStrategy},
    model::{Cart, CartState, owner_key},
};
use emporia_contracts::{
    Fault, Owner, RequestContext,
    carts::{CartCreated, CartLineChange, CartLinesChanged, CartMerged},
    catalog::{Catalog, VariantsRequest},
    channels::{Channel, Channels},
    ids::{CartId, CartLineId},
    inventory::Inventory,
    pricing::{PriceRequest, Pricing},
    values::{ChannelKey, Quantity, Sku},
};
use emporia_events::{EventMeta, EventPayload, envelope};
use emporia_id::Ids;
use emporia_money::UnitPrice;
use emporia_store::{IndexKey, Query, Space, StoreError, Tx};
use std::{collections::HashMap, sync::Arc};

/// The rooms that carts ask.
#[derive(Clone)]
pub struct CartsDeps {
    /// Channels.
    pub channels: Arc<dyn Channels>,
    /// Catalogue.
    pub catalog: Arc<dyn Catalog>,
    /// Prices.
    pub pricing: Arc<dyn Pricing>,
    /// Stock.
    pub inventory: Arc<dyn Inventory>,
}

/// Carts. Cheap to clone.
#[derive(Clone)]
pub struct CartsService {
    pub(crate) space: Space,
    pub(crate) ids: Ids,
    pub(crate) deps: CartsDeps,
}

/// Units of a SKU to be put in.
#[derive(Debug, Clone)]
pub struct LineRequest {
    /// The SKU.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// Why a cart is not changed.
#[derive(Debug, thiserror::Error)]
pub enum CartError {
    /// There is none of that id, or it is another's.
    #[error("there is no cart {0}")]
    NotFound(CartId),
    /// The cart does not allow it.
    #[error(transparent)]
    Refused(#[from] CartRefusal),
    /// It was changed meanwhile.
    #[error("the cart was changed meanwhile: read it again")]
    VersionConflict,
    /// This is not sold in this channel; the number is its place in the request.
    #[error("{1} is not available in this channel")]
    NotAvailable(usize, Sku),
    /// This has no price in this channel; the number is its place in the request.
    #[error("{1} has no price in this channel")]
    PriceMissing(usize, Sku),
    /// Another room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CartsService {
    /// Carts over their own key-space, and the rooms that they ask.
    pub fn new(space: Space, ids: Ids, deps: CartsDeps) -> Self {
        Self { space, ids, deps }
    }

    pub(crate) fn emit(
        &self,
        tx: &Tx,
        event: &impl EventPayload,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        tx.emit(envelope(event, meta, &self.ids, self.space.clock().as_ref())?)
    }

    /// The cart, when it is the caller's own.
    ///
    /// # Errors
    /// [`CartError::NotFound`], also when it is another's.
    pub async fn get(&self, id: CartId, asks: &RequestContext) -> Result<Cart, CartError> {
        let found = self.space.get::<Cart>(&Cart::key_of(id)).await?;
        found.filter(|c| asks.is(&c.owner)).map(|c| c.value).ok_or(CartError::NotFound(id))
    }

    /// The newest cart of an owner in a channel that is still alive.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn active(&self, owner: &Owner, channel: &ChannelKey) -> Result<Option<Cart>, StoreError> {
        let prefix = owner_key(owner).then(&IndexKey::new().text(channel.as_str()));
        let query = Query::index("carts_by_owner").prefix(prefix).descending().limit(1);
        Ok(self.space.query::<Cart>(query).await?.into_values().pop())
    }

    /// Makes a cart for an owner, with lines.
    ///
    /// # Errors
    /// [`CartError`]: what cannot be put in.
    pub(crate) async fn create(
        &self,
        tx: &Tx,
        owner: &Owner,
        channel: &Channel,
        additions: &[Addition],
        meta: &EventMeta,
    ) -> Result<Cart, CartError> {
        let now = self.space.clock().now();
        let mut cart = Cart {
            id: self.ids.next(),
            owner: owner.clone(),
            channel: channel.key.clone(),
            lines: vec![],
            state: CartState::Active,
            checkout: None,
            revision: 1,
            created_at: now,
            updated_at: now,
            abandoned: false,
        };
        let changes = commands::add(&mut cart, additions)?;
        tx.insert(&cart)?;
        self.emit(
            tx,
            &CartCreated { cart_id: cart.id, owner: owner.clone(), channel: channel.key.clone() },
            meta,
        )?;
        if !changes.is_empty() {
            self.tell(tx, &cart, changes, meta)?;
        }
        Ok(cart)
    }

    /// Checks what is to be put in, and adds the prices that the shopper sees.
    ///
    /// # Errors
    /// [`CartError::NotAvailable`], [`CartError::PriceMissing`] name the line.
    pub(crate) async fn additions(
        &self,
        lines: &[LineRequest],
        asks: &RequestContext,
    ) -> Result<Vec<Addition>, CartError> {
        if lines.is_empty() {
            return Ok(vec![]);
        }
        let skus: Vec<Sku> = lines.iter().map(|line| line.sku.clone()).collect();
        let channel = asks.channel.key.clone();
        let variants =
            VariantsRequest { skus: skus.clone(), channel: channel.clone(), locale: asks.locale.clone() };
        let prices = PriceRequest { skus, channel, at: self.space.clock().now() };
        let (variants, prices) =
            futures_util::try_join!(self.deps.catalog.variants(variants), self.deps.pricing.prices(prices))?;
        let mut additions = Vec::with_capacity(lines.len());
        for (at, ((line, variant), price)) in lines.iter().zip(variants).zip(prices).enumerate() {
            if !variant.is_some_and(|v| v.published) {
                return Err(CartError::NotAvailable(at, line.sku.clone()));
            }
            let Some(price) = price else { return Err(CartError::PriceMissing(at, line.sku.clone())) };
            additions.push(Addition {
                id: self.ids.next(),
                sku: line.sku.clone(),
                quantity: line.quantity,
                price: Some(price.unit),
            });
        }
        Ok(additions)
    }

    /// Puts lines in, within the caller's transaction.
    pub(crate) async fn add(
        &self,
        tx: &Tx,
        id: CartId,
        additions: &[Addition],
        asks: &RequestContext,
        expected: Option<u32>,
    ) -> Result<Cart, CartError> {
        self.edit(tx, id, asks, expected, |cart| commands::add(cart, additions)).await
    }

    /// Sets quantities, or takes lines away (`None`), within the caller's transaction.
    pub(crate) async fn set(
        &self,
        tx: &Tx,
        id: CartId,
        lines: &[(CartLineId, Option<Quantity>)],
        prices: &HashMap<Sku, UnitPrice>,
        asks: &RequestContext,
        expected: Option<u32>,
    ) -> Result<Cart, CartError> {
        self.edit(tx, id, asks, expected, |cart| commands::set(cart, lines, |sku| prices.get(sku).copied()))
            .await
    }

    async fn edit(
        &self,
        tx: &Tx,
        id: CartId,
        asks: &RequestContext,
        expected: Option<u32>,
        change: impl FnOnce(&mut Cart) -> Result<Vec<CartLineChange>, CartRefusal>,
    ) -> Result<Cart, CartError> {
        let found = tx.get::<Cart>(&Cart::key_of(id)).await?.filter(|c| asks.is(&c.owner));
        let found = found.ok_or(CartError::NotFound(id))?;
        if expected.is_some_and(|expected| expected != found.revision) {
            return Err(CartError::VersionConflict);
        }
        let mut cart = found.value;
        let before = cart.clone();
        let changes = change(&mut cart)?;
        if !changes.is_empty() {
            self.touch(&mut cart);
            tx.put(&cart)?;
            self.tell(tx, &cart, changes, &asks.meta())?;
        } else if cart != before {
            // Nothing but the price that the shopper has now seen.
            tx.put(&cart)?;
        }
        Ok(cart)
    }

    fn touch(&self, cart: &mut Cart) {
        cart.revision = cart.revision.saturating_add(1);
        cart.updated_at = self.space.clock().now();
        cart.abandoned = false;
    }

    fn tell(
        &self,
        tx: &Tx,
        cart: &Cart,
        changes: Vec<CartLineChange>,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        let event = CartLinesChanged {
            cart_id: cart.id,
            channel: cart.channel.clone(),
            changes,
            units: cart.units(),
        };
        self.emit(tx, &event, meta)
    }

    /// Puts the guest's cart into the customer's: after signing in. Idempotent: a cart that was merged already gives
    /// the one that it lives on in. Without a cart of the customer's own, the guest's becomes his.
    ///
    /// # Errors
    /// [`CartError`]: a cart that is not there, not the caller's, or being bought.
    pub async fn merge(
        &self,
        guest_cart: CartId,
        strategy: MergeStrategy,
        asks: &RequestContext,
    ) -> Result<Cart, CartError> {
        let (Some(owner @ Owner::Customer(_)), Some(guest)) = (asks.owner(), asks.guest.clone()) else {
            return Err(CartError::NotFound(guest_cart));
        };
        // A cart lives on in one of its own channel, whatever channel the shopper looks at now.
        let source = self.space.get::<Cart>(&Cart::key_of(guest_cart)).await?;
        let channel = source.ok_or(CartError::NotFound(guest_cart))?.value.channel;
        let theirs = self.active(&owner, &channel).await?.map(|c| c.id);
        let (guest, owner, this, meta) = (&Owner::Guest(guest), &owner, self, &asks.meta());
        self.space
            .transact(|tx| async move {
                let found = tx.get::<Cart>(&Cart::key_of(guest_cart)).await?;
                let mut source = found.ok_or(CartError::NotFound(guest_cart))?.value;
                if let CartState::Merged { into } = source.state {
                    let into = tx.get::<Cart>(&Cart::key_of(into)).await?.filter(|c| c.owner == *owner);
                    return into.map(|c| c.value).ok_or(CartError::NotFound(guest_cart));
                }
                if source.owner == *owner {
                    return Ok(source);
                }
                if source.owner != *guest {
                    return Err(CartError::NotFound(guest_cart));
                }
                let target = match theirs {
                    Some(id) => tx.get::<Cart>(&Cart::key_of(id)).await?.map(|c| c.value),
                    None => None,
                };
                let Some(mut target) = target.filter(|c| c.state == CartState::Active) else {
                    commands::editable(&source)?;
                    source.owner = owner.clone();
                    this.touch(&mut source);
                    tx.put(&source)?;
                    let event = CartMerged { cart_id: source.id, into: source.id, owner: owner.clone() };
                    this.emit(&tx, &event, meta)?;
                    return Ok(source);
                };
                let changes = commands::merge(&mut target, &source, strategy)?;
                this.touch(&mut target);
                tx.put(&target)?;
                source.state = CartState::Merged { into: target.id };
                source.updated_at = this.space.clock().now();
                tx.put(&source)?;
                let event = CartMerged { cart_id: source.id, into: target.id, owner: owner.clone() };
                this.emit(&tx, &event, meta)?;
                if !changes.is_empty() {
                    this.tell(&tx, &target, changes, meta)?;
                }
                Ok(target)
            })
            .await
    }
}
