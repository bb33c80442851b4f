use crate::Eager;
use async_graphql::SimpleObject;
use emporia_money::{Money, UnitPrice};

/// An amount of money.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Money", shareable)]
pub struct MoneyObject {
    /// Major units as a decimal string, with all decimals of the currency: "12.99", "1299", "1.299".
    pub amount: String,
    /// ISO 4217 code.
    pub currency_code: String,
}

/// An amount of money, as resolvers answer it.
pub type GraphMoney = Eager<MoneyObject>;

impl From<Money> for GraphMoney {
    fn from(money: Money) -> Self {
        Self(MoneyObject {
            amount: money.to_decimal_string(),
            currency_code: money.currency().code().to_owned(),
        })
    }
}

/// A unit price; it may have more decimals than the currency.
pub fn decimal_price(price: UnitPrice) -> GraphMoney {
    Eager(MoneyObject {
        amount: price.to_decimal_string(),
        currency_code: price.currency().code().to_owned(),
    })
}
