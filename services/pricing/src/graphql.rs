use crate::{
    commands::{Expected, PriceRefusal, SetPrice},
    service::{PricingError, PricingService},
};
use async_graphql::{
    Context, EmptySubscription, Enum, InputObject, MaybeUndefined, Object, Result, Schema, SimpleObject,
};
use emporia_contracts::{
    channels,
    pricing::Price,
    values::{ChannelKey, Sku},
};
use emporia_money::UnitPrice;
use emporia_subgraph::{
    DateTime, Eager, GraphMoney, Subgraph, UserError, UserErrorCode, access::*, bad_input, caching::*,
    context, decimal_price, fault, parse, parse_key, recorded, store_error,
};
use std::sync::Arc;

/// Builds the subgraph.
pub fn schema(service: PricingService) -> Subgraph {
    Subgraph::new(Schema::build(Query, recorded(Mutation), EmptySubscription).data(service))
}

/// Whether prices include tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "channels::PriceKind")]
pub enum PriceKind {
    /// Prices include tax.
    Gross,
    /// Tax is added at the end.
    Net,
}

/// A variant, as far as prices know it.
#[derive(Debug)]
pub struct ProductVariant {
    sku: Sku,
}

/// What a variant costs in the channel of the request, now.
#[derive(Debug, Clone, SimpleObject)]
pub struct VariantPrice {
    /// Price of one unit; it may have more decimals than the currency.
    unit: GraphMoney,
    /// The price before a reduction, to strike through.
    compare_at: Option<GraphMoney>,
    /// Whether it includes tax.
    price_kind: PriceKind,
    /// When another price begins to hold, when that is known.
    valid_until: Option<DateTime>,
}

impl From<Price> for VariantPrice {
    fn from(p: Price) -> Self {
        Self {
            unit: decimal_price(p.unit),
            compare_at: p.compare_at.map(decimal_price),
            price_kind: p.kind.into(),
            valid_until: p.valid_until.map(DateTime),
        }
    }
}

#[Object(directive = cache_tag::apply("sku:{$key.sku}".into()))]
impl ProductVariant {
    /// Stock keeping unit.
    async fn sku(&self) -> String {
        self.sku.to_string()
    }

    /// What it costs in the channel of this request, now; absent when it has no price there and cannot be bought.
    // A window of time opens without an event: a kept answer may be that much behind it.
    #[graphql(directive = cache_control::apply(10))]
    async fn price(&self, ctx: &Context<'_>) -> Result<Option<Eager<VariantPrice>>> {
        // From memory: nothing to batch.
        let service = ctx.data::<PricingService>()?;
        let mut found =
            service.prices_at(&context(ctx)?.channel.key, std::slice::from_ref(&self.sku), service.now());
        Ok(found.pop().flatten().map(|price| Eager(price.into())))
    }
}

/// A price as it was set, with its window; without bounds it is the base price.
#[derive(Debug, Clone, SimpleObject)]
pub struct ScheduledPrice {
    /// Price of one unit.
    unit: GraphMoney,
    /// The price before a reduction.
    compare_at: Option<GraphMoney>,
    /// First moment at which it holds.
    valid_from: Option<DateTime>,
    /// First moment at which it no longer holds.
    valid_until: Option<DateTime>,
}

impl From<crate::table::ScheduledPrice> for ScheduledPrice {
    fn from(p: crate::table::ScheduledPrice) -> Self {
        Self {
            unit: decimal_price(p.unit),
            compare_at: p.compare_at.map(decimal_price),
            valid_from: p.valid_from.map(DateTime),
            valid_until: p.valid_until.map(DateTime),
        }
    }
}

/// Sets the price of a SKU in a channel.
#[derive(Debug, InputObject)]
pub struct SetPriceInput {
    /// Stock keeping unit.
    sku: String,
    /// Key of the channel; the request's own when absent.
    channel: Option<String>,
    /// Price of one unit in the channel's currency: a decimal such as `12.99`, at most eight decimals.
    unit: String,
    /// The price before a reduction, to strike through.
    compare_at: Option<String>,
    /// First moment at which it holds. Absent together with `validUntil`: the base price, which holds whenever no
    /// price with a window does.
    valid_from: Option<DateTime>,
    /// First moment at which it no longer holds.
    valid_until: Option<DateTime>,
    /// Compare-and-set: refuse when the price that this one replaces is another one; null: refuse when there is one.
    expected_price: MaybeUndefined<String>,
}

/// Sets many prices.
#[derive(Debug, InputObject)]
pub struct SetPricesInput {
    /// At most 100. Each stands for itself: a refused one does not spoil the others.
    prices: Vec<SetPriceInput>,
}

/// What came of setting a price.
#[derive(Debug, SimpleObject)]
pub struct SetPricePayload {
    /// The variant; its price is the one that holds now.
    variant: Option<ProductVariant>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of setting prices.
#[derive(Debug, SimpleObject)]
pub struct SetPricesPayload {
    /// Prices that are as asked now, including those that were so before.
    accepted: i32,
    /// What has to be put right, each with its place: ["prices", "3", "unit"].
    user_errors: Vec<UserError>,
}

impl SetPriceInput {
    fn request(self, field: &str, channel: &channels::ChannelFacts) -> Result<SetPrice> {
        let at = |part: &str| format!("{field}{part}");
        let price = |part: &str, text: &str| {
            UnitPrice::parse(text, channel.currency)
                .map_err(|error| bad_input(format!("{}: {error}", at(part))))
        };
        Ok(SetPrice {
            channel: channel.key.clone(),
            sku: parse(&at("sku"), &self.sku)?,
            unit: price("unit", &self.unit)?,
            compare_at: self.compare_at.as_deref().map(|text| price("compareAt", text)).transpose()?,
            valid_from: self.valid_from.map(|at| at.0),
            valid_until: self.valid_until.map(|at| at.0),
            expected: match self.expected_price {
                MaybeUndefined::Undefined => Expected::Anything,
                MaybeUndefined::Null => Expected::Nothing,
                MaybeUndefined::Value(text) => Expected::Price(price("expectedPrice", &text)?),
            },
        })
    }
}

fn user_error(refusal: &PriceRefusal, prefix: &str) -> UserError {
    use UserErrorCode as Code;
    let (code, field) = match refusal {
        PriceRefusal::UnknownChannel(_) => (Code::NotFound, "channel"),
        PriceRefusal::Currency { .. } | PriceRefusal::Negative | PriceRefusal::Amount(_) => {
            (Code::Invalid, "unit")
        }
        PriceRefusal::CompareAt => (Code::Invalid, "compareAt"),
        PriceRefusal::EmptyWindow => (Code::Invalid, "validUntil"),
        PriceRefusal::Overlap(_) => (Code::Duplicate, "validFrom"),
        PriceRefusal::Unexpected(_) => (Code::VersionConflict, "expectedPrice"),
        PriceRefusal::TooMany => (Code::LimitExceeded, ""),
    };
    UserError::new(code, &format!("{prefix}{field}"), refusal.to_string())
}

fn failed(error: PricingError) -> async_graphql::Error {
    match error {
        PricingError::Store(error) => store_error("pricing", error),
        PricingError::Fault(error) => fault(error),
    }
}

/// Questions about prices.
pub struct Query;

#[Object]
impl Query {
    /// Everything that is set for a SKU in a channel: the base price first, then the windows in order of time.
    #[graphql(directive = requires_scopes::apply(scope_at_place("prices:read")))]
    async fn price_schedule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Stock keeping unit.")] sku: String,
        #[graphql(desc = "Key of the channel; the request's own when absent.")] channel: Option<String>,
    ) -> Result<Vec<ScheduledPrice>> {
        let own = &context(ctx)?.channel.key;
        let channel = parse_key("channel", channel.as_deref())?.unwrap_or_else(|| own.clone());
        permitted_at(ctx, "prices:read", &[channel.clone().into()])?;
        Ok(ctx
            .data::<PricingService>()?
            .schedule(&channel, &parse("sku", &sku)?)
            .into_iter()
            .map(Into::into)
            .collect())
    }

    #[graphql(entity)]
    async fn find_product_variant_by_sku(
        &self,
        #[graphql(key)] sku: String,
    ) -> Result<Eager<ProductVariant>> {
        Ok(Eager(ProductVariant { sku: parse("sku", &sku)? }))
    }
}

/// Changes of prices.
pub struct Mutation;

impl Mutation {
    async fn set(ctx: &Context<'_>, inputs: Vec<SetPriceInput>, bulk: bool) -> Result<(i32, Vec<UserError>)> {
        let service = ctx.data::<PricingService>()?;
        let own = &context(ctx)?.channel;
        let prefix = |place: usize| if bulk { format!("prices.{place}.") } else { String::new() };
        let (mut requests, mut places, mut errors) = (vec![], vec![], vec![]);
        for (place, input) in inputs.into_iter().enumerate() {
            let field = prefix(place);
            let key: Option<ChannelKey> = parse_key(&format!("{field}channel"), input.channel.as_deref())?;
            let channel = match key {
                None => Some(Arc::clone(own)),
                Some(key) if key == own.key => Some(Arc::clone(own)),
                Some(key) => service.channel(key).await.map_err(fault)?,
            };
            match channel {
                Some(channel) => {
                    permitted_at(ctx, "prices:write", &[channel.key.clone().into()])?;
                    requests.push(input.request(&field, &channel)?);
                    places.push(field);
                }
                None => {
                    let message = format!("there is no channel \"{}\"", input.channel.unwrap_or_default());
                    errors.push(UserError::new(UserErrorCode::NotFound, &format!("{field}channel"), message));
                }
            }
        }
        let settings = service.set_prices(requests, context(ctx)?.meta()).await.map_err(failed)?;
        let mut accepted = 0;
        for (setting, place) in settings.iter().zip(&places) {
            match setting {
                Ok(_) => accepted += 1,
                Err(refusal) => errors.push(user_error(refusal, place)),
            }
        }
        Ok((accepted, errors))
    }
}

#[Object]
impl Mutation {
    /// Sets the price of a SKU in a channel. The same again changes nothing, so it may be repeated safely.
    #[graphql(directive = requires_scopes::apply(scope_at_place("prices:write")))]
    async fn set_price(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The price.")] input: SetPriceInput,
    ) -> Result<SetPricePayload> {
        let sku: Sku = parse("sku", &input.sku)?;
        let (accepted, user_errors) = Self::set(ctx, vec![input], false).await?;
        Ok(SetPricePayload { variant: (accepted == 1).then_some(ProductVariant { sku }), user_errors })
    }

    /// Sets many prices. The same again changes nothing, so it may be repeated safely.
    #[graphql(directive = requires_scopes::apply(scope_at_place("prices:write")))]
    async fn set_prices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The prices.")] input: SetPricesInput,
    ) -> Result<SetPricesPayload> {
        if input.prices.is_empty() || input.prices.len() > 100 {
            return Err(bad_input("prices: set 1 to 100 at once"));
        }
        let (accepted, user_errors) = Self::set(ctx, input.prices, true).await?;
        Ok(SetPricesPayload { accepted, user_errors })
    }
}
