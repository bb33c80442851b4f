//! What a cart is worth now, and what changed since the shopper looked.

use crate::{
    model::Cart,
    service::{CartError, CartsService},
};
use emporia_contracts::{
    RequestContext,
    catalog::{VariantFacts, VariantsRequest},
    inventory::AvailabilityRequest,
    pricing::PriceRequest,
    values::Sku,
};
use emporia_money::{Money, UnitPrice};

/// A line as it is now.
#[derive(Debug, Clone)]
pub struct CartLineValue {
    /// The variant, when it is still sold here.
    pub variant: Option<VariantFacts>,
    /// The price of one unit now, when there is one.
    pub unit: Option<UnitPrice>,
    /// Unit price × quantity.
    pub amount: Option<Money>,
}

/// Something that the shopper should know before he goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CartNotice {
    /// Another price holds than the one he saw.
    PriceChanged {
        /// Which.
        sku: Sku,
        /// Seen.
        before: UnitPrice,
        /// Now.
        now: UnitPrice,
    },
    /// It is not sold here any more.
    NotAvailable {
        /// Which.
        sku: Sku,
    },
    /// There is less than he wants.
    StockShort {
        /// Which.
        sku: Sku,
        /// Wanted.
        wanted: i64,
        /// There.
        available: i64,
    },
}

/// A cart as it is now, line by line.
#[derive(Debug, Clone)]
pub struct CartValue {
    /// In the order of the cart's lines.
    pub lines: Vec<CartLineValue>,
    /// Σ amounts of what can be sold.
    pub subtotal: Money,
    /// What changed.
    pub notices: Vec<CartNotice>,
}

impl CartsService {
    /// What a cart is worth now: three calls, whatever the number of lines.
    ///
    /// # Errors
    /// A room does not answer, or an amount is too large.
    pub async fn value(&self, cart: &Cart, asks: &RequestContext) -> Result<CartValue, CartError> {
        let channel =
            self.deps.channels.channel(cart.channel.clone()).await?.unwrap_or_else(|| asks.channel.clone());
        let skus: Vec<Sku> = cart.lines.iter().map(|line| line.sku.clone()).collect();
        let at = self.space.clock().now();
        let (variants, prices, stock) = futures_util::try_join!(
            self.deps.catalog.variants(VariantsRequest {
                skus: skus.clone(),
                channel: channel.key.clone(),
                locale: asks.locale.clone()
            }),
            self.deps.pricing.prices(PriceRequest { skus: skus.clone(), channel: channel.key.clone(), at }),
            self.deps.inventory.availability(AvailabilityRequest { skus, pool: channel.stock_pool.clone() }),
        )?;
        let mut value = CartValue { lines: vec![], subtotal: Money::zero(channel.currency), notices: vec![] };
        let overflow = |e: emporia_money::MoneyError| {
            CartError::Fault(emporia_contracts::Fault::permanent(
                "carts",
                format!("the cart is worth too much: {e}"),
            ))
        };
        for (((line, variant), price), stock) in cart.lines.iter().zip(variants).zip(prices).zip(stock) {
            let sku = || line.sku.clone();
            let variant = variant.filter(|v| v.published);
            let unit = price.filter(|_| variant.is_some()).map(|p| p.unit);
            let amount = match unit {
                Some(unit) => {
                    Some(unit.times(line.quantity.units(), channel.rounding.mode).map_err(overflow)?)
                }
                None => None,
            };
            if let Some(amount) = amount {
                value.subtotal = value.subtotal.plus(amount).map_err(overflow)?;
            }
            match (unit, line.seen_price) {
                (None, _) => value.notices.push(CartNotice::NotAvailable { sku: sku() }),
                (Some(now), Some(before)) if now != before => {
                    value.notices.push(CartNotice::PriceChanged { sku: sku(), before, now });
                }
                _ => {}
            }
            if unit.is_some() && !stock.covers(line.quantity) {
                let (wanted, available) = (line.quantity.units(), stock.available);
                value.notices.push(CartNotice::StockShort { sku: sku(), wanted, available });
            }
            value.lines.push(CartLineValue { variant, unit, amount });
        }
        Ok(value)
    }
}
