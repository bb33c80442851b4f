//! What may be done to a cart: decisions only.

use crate::model::{Cart, CartLine, CartState, MOST_LINES};
use emporia_contracts::{
    carts::CartLineChange,
    ids::{CartId, CartLineId, CheckoutId, OrderId},
    values::{Quantity, QuantityError, Sku},
};
use emporia_money::UnitPrice;
use serde::{Deserialize, Serialize};

/// Why a cart is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartRefusal {
    /// A checkout is buying it.
    #[error("cart {0} is being bought by checkout {1}: cancel that first")]
    Claimed(CartId, CheckoutId),
    /// It was merged, has expired, or became an order.
    #[error("cart {0} is not active any more")]
    NotActive(CartId),
    /// It already became an order.
    #[error("cart {0} already became order {1}")]
    Ordered(CartId, OrderId),
    /// It has no such line.
    #[error("the cart has no line {0}")]
    NoLine(CartLineId),
    /// The sum of two quantities is too much.
    #[error("{0}: {1}")]
    Quantity(Sku, QuantityError),
    /// Too many lines.
    #[error("a cart has at most {MOST_LINES} lines")]
    TooManyLines,
}

/// How two carts become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeStrategy {
    /// Quantities of the same SKU are added.
    #[default]
    MergeSum,
    /// The greater quantity of the same SKU stays.
    MergeMax,
    /// The guest's lines replace the customer's.
    KeepGuest,
    /// The customer's lines stay, the guest's are given up.
    KeepAccount,
}

/// A line to be added, with the price that the shopper sees.
#[derive(Debug, Clone)]
pub(crate) struct Addition {
    pub(crate) id: CartLineId,
    pub(crate) sku: Sku,
    pub(crate) quantity: Quantity,
    pub(crate) price: Option<UnitPrice>,
}

/// Whether the lines may be edited.
pub(crate) fn editable(cart: &Cart) -> Result<(), CartRefusal> {
    match cart.state {
        CartState::Active => Ok(()),
        CartState::Claimed { by, .. } => Err(CartRefusal::Claimed(cart.id, by)),
        CartState::Ordered { order } => Err(CartRefusal::Ordered(cart.id, order)),
        CartState::Merged { .. } | CartState::Expired => Err(CartRefusal::NotActive(cart.id)),
    }
}

fn change(line: &CartLine, before: i64, after: i64) -> CartLineChange {
    let unit_price = line.seen_price.and_then(|p| p.times(1, emporia_money::Rounding::HalfEven).ok());
    CartLineChange { line_id: line.id, sku: line.sku.clone(), before, after, unit_price }
}

/// Adds lines; a SKU that is there already gets more units.
pub(crate) fn add(cart: &mut Cart, additions: &[Addition]) -> Result<Vec<CartLineChange>, CartRefusal> {
    editable(cart)?;
    let mut changes = vec![];
    for addition in additions {
        let full = cart.lines.len() >= MOST_LINES;
        match cart.lines.iter_mut().find(|line| line.sku == addition.sku) {
            Some(line) => {
                let before = line.quantity.units();
                let sum = Quantity::new(before + addition.quantity.units());
                line.quantity = sum.map_err(|e| CartRefusal::Quantity(addition.sku.clone(), e))?;
                line.seen_price = addition.price;
                changes.push(change(line, before, line.quantity.units()));
            }
            None if full => return Err(CartRefusal::TooManyLines),
            None => {
                let line = CartLine {
                    id: addition.id,
                    sku: addition.sku.clone(),
                    quantity: addition.quantity,
                    seen_price: addition.price,
                };
                changes.push(change(&line, 0, line.quantity.units()));
                cart.lines.push(line);
            }
        }
    }
    Ok(changes)
}

/// Sets the quantities of lines; no quantity takes the line away.
pub(crate) fn set(
    cart: &mut Cart,
    lines: &[(CartLineId, Option<Quantity>)],
    price: impl Fn(&Sku) -> Option<UnitPrice>,
) -> Result<Vec<CartLineChange>, CartRefusal> {
    editable(cart)?;
    let mut changes = vec![];
    for (id, quantity) in lines {
        let at = cart.lines.iter().position(|line| line.id == *id).ok_or(CartRefusal::NoLine(*id))?;
        let before = cart.lines[at].quantity.units();
        match quantity {
            Some(quantity) => {
                let line = &mut cart.lines[at];
                line.seen_price = price(&line.sku).or(line.seen_price);
                if *quantity != line.quantity {
                    line.quantity = *quantity;
                    changes.push(change(line, before, quantity.units()));
                }
            }
            None => {
                let line = cart.lines.remove(at);
                changes.push(change(&line, before, 0));
            }
        }
    }
    Ok(changes)
}

/// Puts the guest's lines into the customer's cart.
pub(crate) fn merge(
    into: &mut Cart,
    guest: &Cart,
    strategy: MergeStrategy,
) -> Result<Vec<CartLineChange>, CartRefusal> {
    editable(into)?;
    editable(guest)?;
    let taken = |line: &CartLine, quantity| Addition {
        id: line.id,
        sku: line.sku.clone(),
        quantity,
        price: line.seen_price,
    };
    let mut changes = vec![];
    match strategy {
        MergeStrategy::KeepAccount => return Ok(changes),
        MergeStrategy::KeepGuest => {
            for line in std::mem::take(&mut into.lines) {
                changes.push(change(&line, line.quantity.units(), 0));
            }
        }
        MergeStrategy::MergeSum | MergeStrategy::MergeMax => {}
    }
    for line in &guest.lines {
        let here = into.lines.iter().find(|l| l.sku == line.sku).map_or(0, |l| l.quantity.units());
        let wanted = match strategy {
            MergeStrategy::MergeMax => line.quantity.units() - here,
            // Two carts may add up to more than a line can have: then the line is full.
            _ => line.quantity.units().min(i64::from(Quantity::MAX) - here),
        };
        if let Ok(quantity) = Quantity::new(wanted) {
            changes.extend(add(into, &[taken(line, quantity)])?);
        }
    }
    Ok(changes)
}
