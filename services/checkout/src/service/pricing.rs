//! Pricing a cart: once, by all rooms that have a say.

use crate::{
    commands::delivery::{Parcel, charge, name},
    model::DeliveryOption,
    service::{CheckoutError, CheckoutService},
};
use emporia_contracts::{
    Fault,
    carts::CartFacts,
    catalog::{VariantFacts, VariantsRequest},
    channels::{Channel, ChannelFacts},
    inventory::Demand,
    orders::{DeliveryCharge, LineKind, PricedLine, PricedSnapshot},
    pricing::PriceRequest,
    tax::{AssessTax, TaxableLine},
    values::{CountryCode, Locale, Quantity, Sku},
};
use emporia_money::{Money, UnitPrice};
use jiff::Timestamp;

/// What an order takes of one line: refused here, before anything is held or paid.
const MOST_LINE_BYTES: usize = 2_000;

/// A line before tax.
struct Item {
    variant: VariantFacts,
    quantity: Quantity,
    unit: UnitPrice,
    amount: Money,
}

/// The goods of a cart with their prices.
pub(crate) struct Goods {
    items: Vec<Item>,
    pub(crate) value: Money,
    pub(crate) weight_grams: u64,
}

impl Goods {
    pub(crate) fn parcel(&self, country: &CountryCode) -> Parcel {
        Parcel { country: country.clone(), weight_grams: self.weight_grams, value: self.value }
    }

    /// Whether something has to be delivered.
    pub(crate) fn shippable(&self) -> bool {
        self.items.iter().any(|item| item.variant.shippable)
    }
}

fn overflow(error: impl std::fmt::Display) -> CheckoutError {
    CheckoutError::Invalid(format!("the cart cannot be priced: {error}"))
}

impl CheckoutService {
    /// Titles, prices and amounts of a cart's lines, in two calls.
    pub(crate) async fn goods(
        &self,
        cart: &CartFacts,
        channel: &ChannelFacts,
        locale: &Locale,
        at: Timestamp,
    ) -> Result<Goods, CheckoutError> {
        if cart.lines.is_empty() {
            return Err(CheckoutError::EmptyCart(cart.id));
        }
        let skus: Vec<Sku> = cart.lines.iter().map(|line| line.sku.clone()).collect();
        let variants =
            VariantsRequest { skus: skus.clone(), channel: channel.key.clone(), locale: locale.clone() };
        let prices = PriceRequest { skus, channel: channel.key.clone(), at };
        let (variants, prices) =
            futures_util::try_join!(self.deps.catalog.variants(variants), self.deps.pricing.prices(prices))?;
        let (mut items, mut hidden, mut unpriced) = (vec![], vec![], vec![]);
        let mut value = Money::zero(channel.currency);
        let mut weight_grams = 0u64;
        for ((line, variant), price) in cart.lines.iter().zip(variants).zip(prices) {
            match (variant.filter(|v| v.published), price) {
                (None, _) => hidden.push(line.sku.clone()),
                (Some(_), None) => unpriced.push(line.sku.clone()),
                (Some(variant), Some(price)) => {
                    let amount =
                        price.unit.times(line.quantity.units(), channel.rounding.mode).map_err(overflow)?;
                    value = value.plus(amount).map_err(overflow)?;
                    let grams = u64::from(variant.weight_grams) * u64::from(line.quantity.get());
                    weight_grams = weight_grams.saturating_add(grams);
                    items.push(Item { variant, quantity: line.quantity, unit: price.unit, amount });
                }
            }
        }
        if !hidden.is_empty() {
            return Err(CheckoutError::NotAvailable(hidden));
        }
        if !unpriced.is_empty() {
            return Err(CheckoutError::PriceMissing(unpriced));
        }
        Ok(Goods { items, value, weight_grams })
    }

    /// The priced snapshot of goods and delivery.
    pub(crate) async fn snapshot(
        &self,
        goods: Goods,
        option: Option<&DeliveryOption>,
        channel: &Channel,
        (country, locale): (&CountryCode, &Locale),
        at: Timestamp,
    ) -> Result<PricedSnapshot, CheckoutError> {
        let delivery = match option {
            None => None,
            Some(option) => {
                let fits = charge(option, &goods.parcel(country));
                Some((option, fits.ok_or_else(|| CheckoutError::DeliveryNotAvailable(option.key.clone()))?))
            }
        };
        let item = |i: &Item| TaxableLine {
            category: i.variant.tax_category.clone(),
            quantity: i.quantity,
            amount: i.amount,
        };
        let charged = |(option, amount): &(&DeliveryOption, Money)| TaxableLine {
            category: option.tax_category.clone(),
            quantity: Quantity::ONE,
            amount: *amount,
        };
        let assessment = self
            .deps
            .tax
            .assess(AssessTax {
                country: country.clone(),
                at,
                kind: channel.price_kind,
                rounding: channel.rounding,
                lines: goods.items.iter().map(item).chain(delivery.iter().map(charged)).collect(),
            })
            .await?;
        let mut taxes = assessment.lines.into_iter();
        let missing = || Fault::permanent("tax", "fewer lines came back than were asked for");
        let mut lines = Vec::with_capacity(goods.items.len());
        for item in goods.items {
            let kind = if item.variant.shippable { LineKind::Goods } else { LineKind::Service };
            lines.push(PricedLine {
                id: self.ids.next(),
                kind,
                sku: item.variant.sku,
                product_id: Some(item.variant.product_id),
                title: item.variant.title,
                options: item.variant.options,
                image_url: item.variant.image_url,
                quantity: item.quantity,
                unit_price: item.unit,
                amount: item.amount,
                tax_category: item.variant.tax_category,
                tax: taxes.next().ok_or_else(missing)?,
            });
        }
        let delivery = match delivery {
            None => None,
            Some((option, amount)) => Some(DeliveryCharge {
                option: option.key.clone(),
                name: name(option, locale),
                amount,
                tax: taxes.next().ok_or_else(missing)?,
            }),
        };
        for line in &lines {
            let bytes = serde_json::to_vec(line).map_or(usize::MAX, |json| json.len());
            if bytes > MOST_LINE_BYTES {
                let what = format!("{}: its title, options and picture have {bytes} bytes in all", line.sku);
                return Err(CheckoutError::Invalid(format!(
                    "{what}, at most {MOST_LINE_BYTES} can be ordered"
                )));
            }
        }
        PricedSnapshot::new(
            channel.currency,
            channel.price_kind,
            lines,
            delivery,
            assessment.rates_version,
            at,
        )
        .map_err(overflow)
    }
}

/// What a snapshot needs from stock.
pub(crate) fn demand(snapshot: &PricedSnapshot) -> Vec<Demand> {
    let goods = snapshot.lines.iter().filter(|line| line.kind == LineKind::Goods);
    goods.map(|line| Demand { sku: line.sku.clone(), quantity: line.quantity }).collect()
}
