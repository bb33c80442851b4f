//! Returns: what came back and what is given back for it.

use crate::{
    commands::{LINES_AT_ONCE, shares::share},
    model::{OrderLine, Units},
};
use emporia_contracts::orders::{LineKind, ReturnCondition, ReturnLine, ReturnedLine};
use emporia_money::{Currency, Money, MoneyError};

/// Why a return is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a return needs at least one line")]
    Empty,
    #[error("a return has at most {1} lines, not {0}")]
    TooManyLines(usize, usize),
    #[error("the order has no line {0}")]
    NoLine(String),
    #[error("line {line} is {sku}, not {asked}")]
    OtherSku { line: String, sku: String, asked: String },
    #[error("{units} units of {sku} are returned, {left} are left that could be")]
    TooMany { sku: String, units: i64, left: i64 },
    #[error("{0}: a line without an order line needs the refund that was given")]
    NoRefund(String),
    #[error("{0}: a refund cannot be negative")]
    NegativeRefund(String),
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Takes a return in. Referenced lines are held against what was delivered; a refund that was not reported is the paid
/// share of the units.
pub(crate) fn take_back(
    lines: &mut [OrderLine],
    returned: &[ReturnLine],
    currency: Currency,
) -> Result<(Vec<ReturnedLine>, Money), Refusal> {
    if returned.is_empty() {
        return Err(Refusal::Empty);
    }
    if returned.len() > LINES_AT_ONCE {
        return Err(Refusal::TooManyLines(returned.len(), LINES_AT_ONCE));
    }
    let mut total = Money::zero(currency);
    let mut told = Vec::with_capacity(returned.len());
    for line in returned {
        let share = match line.order_line {
            Some(id) => {
                let found = lines.iter_mut().find(|l| l.priced.id == id);
                Some(from_order(found.ok_or_else(|| Refusal::NoLine(id.to_string()))?, line)?)
            }
            None => None,
        };
        let refund = line.refund.or(share).ok_or_else(|| Refusal::NoRefund(line.sku.to_string()))?;
        if refund.is_negative() {
            return Err(Refusal::NegativeRefund(line.sku.to_string()));
        }
        total = total.plus(refund)?;
        told.push(ReturnedLine {
            order_line_id: line.order_line,
            sku: line.sku.clone(),
            quantity: line.quantity,
            condition: line.condition,
            refund,
        });
    }
    Ok((told, total))
}

/// Counts the units as returned; gives their paid share.
fn from_order(found: &mut OrderLine, line: &ReturnLine) -> Result<Money, Refusal> {
    if found.priced.sku != line.sku {
        return Err(Refusal::OtherSku {
            line: found.priced.id.to_string(),
            sku: found.priced.sku.to_string(),
            asked: line.sku.to_string(),
        });
    }
    let (units, before) = (line.quantity.units(), found.units.returned);
    // What never arrived (a lost parcel) cannot come back, but can be given back; likewise charges and services.
    let arrives = found.priced.kind == LineKind::Goods && line.condition != ReturnCondition::NoGoods;
    let limit = if arrives { found.units.delivered } else { found.units.shipped };
    if before + units > limit {
        return Err(Refusal::TooMany { sku: line.sku.to_string(), units, left: limit - before });
    }
    let Units { charged, credited, shipped, .. } = found.units;
    let currency = found.priced.tax.gross.currency();
    // Of what was charged for the shipped units, less what was given back before: the last return gives the rest.
    let entitled = share(Money::new(charged, currency), shipped, 0, before + units)?;
    found.units.returned += units;
    found.units.credited = entitled.minor();
    Ok(entitled.minus(Money::new(credited, currency))?)
}
