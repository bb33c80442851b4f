use crate::{
    commands::RateRefusal,
    model::TaxRate,
    service::{TaxError, TaxService},
};
use async_graphql::{Context, EmptySubscription, InputObject, Object, Result, Schema, SimpleObject};
use emporia_subgraph::{
    DateTime, Subgraph, UserError, UserErrorCode, access::*, context, parse, parse_key, recorded, store_error,
};

/// Builds the subgraph.
pub fn schema(service: TaxService) -> Subgraph {
    Subgraph::new(Schema::build(Query, recorded(Mutation), EmptySubscription).data(service))
}

/// A tax rate and when it holds.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "TaxRate")]
pub struct GraphTaxRate {
    /// Country of taxation (ISO 3166-1 alpha-2).
    country_code: String,
    /// Class of goods, such as `standard` or `reduced`.
    category: String,
    /// Its name on invoices.
    name: String,
    /// The rate as a decimal: `0.19` is 19 %.
    rate: String,
    /// First moment at which it holds; absent: always has.
    valid_from: Option<DateTime>,
    /// First moment at which it no longer holds; absent: until further notice.
    valid_until: Option<DateTime>,
}

impl From<TaxRate> for GraphTaxRate {
    fn from(r: TaxRate) -> Self {
        Self {
            country_code: r.country.to_string(),
            category: r.category.to_string(),
            name: r.name,
            rate: r.rate.to_string(),
            valid_from: r.valid_from.map(DateTime),
            valid_until: r.valid_until.map(DateTime),
        }
    }
}

/// Defines a tax rate. The moment at which it begins is its identity: the same again corrects it.
#[derive(Debug, InputObject)]
pub struct DefineTaxRateInput {
    /// Country of taxation (ISO 3166-1 alpha-2).
    country_code: String,
    /// Class of goods.
    category: String,
    /// Its name on invoices.
    name: String,
    /// The rate as a decimal: `0.19` is 19 %.
    rate: String,
    /// First moment at which it holds; absent: always has.
    valid_from: Option<DateTime>,
    /// First moment at which it no longer holds; absent: until further notice.
    valid_until: Option<DateTime>,
}

/// What came of defining a tax rate.
#[derive(Debug, SimpleObject)]
pub struct DefineTaxRatePayload {
    /// The rate as it is now.
    tax_rate: Option<GraphTaxRate>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// Questions about tax.
pub struct Query;

#[Object]
impl Query {
    /// Tax rates by country, category and time.
    #[graphql(directive = requires_scopes::apply(scope("tax:read")))]
    async fn tax_rates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those of this country (ISO 3166-1 alpha-2).")] country_code: Option<String>,
    ) -> Result<Vec<GraphTaxRate>> {
        let country = parse_key("countryCode", country_code.as_deref())?;
        Ok(ctx.data::<TaxService>()?.rates(country.as_ref()).into_iter().map(Into::into).collect())
    }
}

/// Changes of tax rates.
pub struct Mutation;

#[Object]
impl Mutation {
    /// Defines a tax rate, or corrects the one that begins at the same moment. The same again changes nothing.
    #[graphql(directive = requires_scopes::apply(scope("tax:write")))]
    async fn define_tax_rate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rate.")] input: DefineTaxRateInput,
    ) -> Result<DefineTaxRatePayload> {
        let rate = TaxRate {
            country: parse("countryCode", &input.country_code)?,
            category: parse("category", &input.category)?,
            name: input.name,
            rate: parse("rate", &input.rate)?,
            valid_from: input.valid_from.map(|at| at.0),
            valid_until: input.valid_until.map(|at| at.0),
        };
        match ctx.data::<TaxService>()?.define_rate(rate, context(ctx)?.meta()).await {
            Ok(rate) => Ok(DefineTaxRatePayload { tax_rate: Some(rate.into()), user_errors: vec![] }),
            Err(TaxError::Refused(refusal)) => {
                let (code, field) = match refusal {
                    RateRefusal::EmptyWindow => (UserErrorCode::Invalid, "validUntil"),
                    RateRefusal::Overlap { .. } => (UserErrorCode::Duplicate, "validFrom"),
                    RateRefusal::Name => (UserErrorCode::Invalid, "name"),
                    RateRefusal::TooMany(..) => (UserErrorCode::LimitExceeded, ""),
                };
                let user_errors = vec![UserError::new(code, field, refusal.to_string())];
                Ok(DefineTaxRatePayload { tax_rate: None, user_errors })
            }
            Err(TaxError::Store(error)) => Err(store_error("tax", error)),
        }
    }
}
