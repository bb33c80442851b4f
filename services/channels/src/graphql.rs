use crate::service::{ChannelsError, ChannelsService};
use async_graphql::{Context, EmptySubscription, Enum, InputObject, Object, Result, Schema, SimpleObject};
use emporia_contracts::channels::{self, ChannelFacts, RoundingPolicy};
use emporia_money::Rounding;
use emporia_subgraph::{
    Subgraph, UserError, UserErrorCode, access::*, caching::*, context, parse, recorded, store_error,
};

/// Builds the subgraph.
pub fn schema(service: ChannelsService) -> Subgraph {
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

/// Where tax is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "channels::RoundingPlace")]
pub enum RoundingPlace {
    /// Per unit, then times the quantity.
    Unit,
    /// Per line.
    Line,
    /// Once per tax rate.
    RateGroup,
    /// Once per order.
    Order,
}

/// How halves are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Rounding")]
pub enum RoundingMode {
    /// To the even neighbour.
    HalfEven,
    /// Away from zero.
    HalfUp,
}

/// A sales channel.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Channel")]
pub struct GraphChannel {
    /// Its key: the value of the request header `emporia-channel`.
    key: String,
    /// Its name.
    name: String,
    /// ISO 4217 code of all its prices.
    currency_code: String,
    /// Gross or net prices.
    price_kind: PriceKind,
    /// The language when the request names none that is offered.
    default_locale: String,
    /// Languages offered (BCP 47).
    locales: Vec<String>,
    /// Countries delivered to (ISO 3166-1 alpha-2).
    countries: Vec<String>,
}

impl From<&ChannelFacts> for GraphChannel {
    fn from(c: &ChannelFacts) -> Self {
        Self {
            key: c.key.to_string(),
            name: c.name.clone(),
            currency_code: c.currency.to_string(),
            price_kind: c.price_kind.into(),
            default_locale: c.default_locale.to_string(),
            locales: c.locales.iter().map(ToString::to_string).collect(),
            countries: c.countries.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Defines a channel.
#[derive(Debug, InputObject)]
pub struct DefineChannelInput {
    key: String,
    name: String,
    /// ISO 4217; cannot change later.
    currency_code: String,
    /// Cannot change later.
    price_kind: PriceKind,
    default_locale: String,
    locales: Vec<String>,
    countries: Vec<String>,
    #[graphql(default_with = "RoundingMode::HalfEven")]
    rounding_mode: RoundingMode,
    #[graphql(default_with = "RoundingPlace::Line")]
    rounding_place: RoundingPlace,
    /// Stock locations it sells from, in order of preference.
    stock_pool: Vec<String>,
    /// What its order numbers begin with: capital letters and digits.
    order_prefix: String,
    /// IANA name.
    time_zone: String,
}

impl DefineChannelInput {
    fn facts(self) -> Result<ChannelFacts> {
        fn all<T: std::str::FromStr<Err = E>, E: std::fmt::Display>(
            field: &str,
            texts: &[String],
        ) -> Result<Vec<T>> {
            texts.iter().map(|text| parse(field, text)).collect()
        }
        Ok(ChannelFacts {
            key: parse("key", &self.key)?,
            name: self.name,
            currency: parse("currencyCode", &self.currency_code)?,
            price_kind: self.price_kind.into(),
            default_locale: parse("defaultLocale", &self.default_locale)?,
            locales: all("locales", &self.locales)?,
            countries: all("countries", &self.countries)?,
            rounding: RoundingPolicy { mode: self.rounding_mode.into(), place: self.rounding_place.into() },
            stock_pool: all("stockPool", &self.stock_pool)?,
            order_prefix: self.order_prefix,
            time_zone: self.time_zone,
        })
    }
}

/// What came of defining a channel.
#[derive(Debug, SimpleObject)]
pub struct DefineChannelPayload {
    /// The channel as it is now.
    channel: Option<GraphChannel>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// Questions about channels.
pub struct Query;

#[Object]
impl Query {
    /// The channel of this request.
    #[graphql(directive = public::apply(), directive = cache_control::apply(60))]
    async fn channel(&self, ctx: &Context<'_>) -> Result<GraphChannel> {
        Ok(GraphChannel::from(context(ctx)?.channel.as_ref()))
    }

    /// Every channel, by key.
    #[graphql(directive = public::apply(), directive = cache_control::apply(60))]
    async fn channels(&self, ctx: &Context<'_>) -> Result<Vec<GraphChannel>> {
        Ok(ctx.data::<ChannelsService>()?.list().iter().map(|c| GraphChannel::from(c.as_ref())).collect())
    }
}

/// Changes of channels.
pub struct Mutation;

#[Object]
impl Mutation {
    /// Defines a channel or changes its rules. The same again changes nothing.
    #[graphql(directive = requires_scopes::apply(scope_at_place("channels:write")))]
    async fn define_channel(
        &self,
        ctx: &Context<'_>,
        input: DefineChannelInput,
    ) -> Result<DefineChannelPayload> {
        let meta = context(ctx)?.meta();
        let wanted = input.facts()?;
        permitted_at(ctx, "channels:write", &[wanted.key.clone().into()])?;
        match ctx.data::<ChannelsService>()?.define(wanted, meta).await {
            Ok(channel) => Ok(DefineChannelPayload {
                channel: Some(GraphChannel::from(channel.as_ref())),
                user_errors: vec![],
            }),
            Err(ChannelsError::Refused(refusal)) => Ok(DefineChannelPayload {
                channel: None,
                user_errors: vec![UserError::new(UserErrorCode::Invalid, "", refusal.to_string())],
            }),
            Err(ChannelsError::Store(error)) => Err(store_error("channels", error)),
        }
    }
}
