//! Whether tenders pay a total.

use crate::model::Tender;
use emporia_money::{Money, MoneyError};

/// What is still missing to the total; negative when there is too much.
pub(crate) fn missing(total: Money, tenders: &[Tender]) -> Result<Money, MoneyError> {
    total.minus(Money::sum(total.currency(), tenders.iter().map(|t| t.amount))?)
}
