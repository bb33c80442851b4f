use crate::{model, service::CheckoutService};
use async_graphql::{Context, InputObject, Result, SimpleObject};
use emporia_contracts::values::Slug;
use emporia_money::Money;
use emporia_subgraph::{access, bad_input, context, parse, store_error};

/// A charge from some value of goods on, as decimals of the channel's currency.
#[derive(Debug, Clone, InputObject)]
pub struct DeliveryRateInput {
    /// The least value of the goods, in the channel's price kind.
    from: String,
    /// The charge, in the channel's price kind.
    charge: String,
}

/// Defines a way to deliver in the channel of the request, or changes it.
#[derive(Debug, Clone, InputObject)]
pub struct DefineDeliveryOptionInput {
    /// Lower-case letters, digits and inner hyphens.
    key: String,
    /// Its name in the channel's default language.
    name: String,
    /// ISO 3166-1 alpha-2; everywhere the channel delivers when empty.
    #[graphql(default)]
    countries: Vec<String>,
    /// The most that a parcel may weigh, in grams.
    max_weight_grams: Option<i32>,
    /// At least one, from 0.
    rates: Vec<DeliveryRateInput>,
    /// Class of the charge for tax.
    tax_category: String,
    /// Working days from order to door, at least.
    min_days: i32,
    /// Working days from order to door, at most.
    max_days: i32,
    /// Order in the list.
    #[graphql(default = 1)]
    position: i32,
}

/// What came of defining a way to deliver.
#[derive(SimpleObject)]
pub struct DefineDeliveryOptionPayload {
    /// Key of the delivery option.
    key: String,
}

/// Checks and stores a way to deliver.
pub(crate) async fn define(
    ctx: &Context<'_>,
    input: DefineDeliveryOptionInput,
) -> Result<DefineDeliveryOptionPayload> {
    let channel = &context(ctx)?.channel;
    access::permitted_at(ctx, "channels:write", &[channel.key.clone().into()])?;
    let money = |field: &str, text: &str| {
        let money = Money::parse(text, channel.currency).map_err(|e| bad_input(format!("{field}: {e}")))?;
        if money.is_negative() { Err(bad_input(format!("{field}: not below zero"))) } else { Ok(money) }
    };
    let days = |field: &str, days: i32| {
        u8::try_from(days).map_err(|_| bad_input(format!("{field}: a whole number of days from 0 to 255")))
    };
    let rate = |r: &DeliveryRateInput| -> Result<model::DeliveryRate> {
        Ok(model::DeliveryRate {
            from: money("rates.from", &r.from)?,
            charge: money("rates.charge", &r.charge)?,
        })
    };
    let rates = input.rates.iter().map(rate).collect::<Result<Vec<_>>>()?;
    if rates.is_empty() || rates.len() > 50 {
        return Err(bad_input("rates: 1 to 50"));
    }
    if input.name.trim().is_empty() || input.name.len() > 200 || input.name.chars().any(char::is_control) {
        return Err(bad_input("name: 1 to 200 visible characters"));
    }
    let weight = input.max_weight_grams.map(u64::try_from).transpose();
    let option = model::DeliveryOption {
        key: parse::<Slug, _>("key", &input.key)?.to_string(),
        channel: channel.key.clone(),
        names: [(channel.default_locale.to_string(), input.name)].into(),
        countries: input.countries.iter().map(|code| parse("countries", code)).collect::<Result<_>>()?,
        max_weight_grams: weight.map_err(|_| bad_input("maxWeightGrams: not below zero"))?,
        rates,
        tax_category: parse("taxCategory", &input.tax_category)?,
        days: (days("minDays", input.min_days)?, days("maxDays", input.max_days)?),
        position: u16::try_from(input.position).map_err(|_| bad_input("position: 0 to 65535"))?,
    };
    let key = option.key.clone();
    let defined =
        ctx.data::<CheckoutService>()?.define_delivery_options(&[option], &context(ctx)?.meta()).await;
    defined.map_err(|e| store_error("checkout", e))?;
    Ok(DefineDeliveryOptionPayload { key })
}
