use super::{CustomerLoader, failed, service, types};
use async_graphql::{
    Context, ID, Object, Result,
    dataloader::{DataLoader, NoCache},
};
use emporia_contracts::{Owner, Principal, ids::CustomerId};
use emporia_subgraph::{access::*, context, fault, parse_id};

/// Questions about customers.
pub struct Query;

#[Object]
impl Query {
    /// The signed-in customer; null for operators.
    #[graphql(directive = authenticated::apply())]
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<types::Customer>> {
        let Principal::Customer(id) = &context(ctx)?.principal else { return Ok(None) };
        Ok(service(ctx)?.customer(*id).await.map_err(failed)?.map(Into::into))
    }

    /// The signed-in operator; null for customers.
    #[graphql(directive = authenticated::apply())]
    async fn current_operator(&self, ctx: &Context<'_>) -> Result<Option<types::Operator>> {
        let Principal::Operator { id, .. } = &context(ctx)?.principal else { return Ok(None) };
        let service = service(ctx)?;
        let found = service.operator(*id).await.map_err(failed)?;
        Ok(found.map(|operator| types::Operator::new(operator, &service.roles)))
    }

    /// A customer; null when there is none or he was erased.
    #[graphql(directive = requires_scopes::apply(scope("customers:read")))]
    async fn customer(&self, ctx: &Context<'_>, id: ID) -> Result<Option<types::Customer>> {
        Ok(service(ctx)?.customer(parse_id("id", &id)?).await.map_err(failed)?.map(Into::into))
    }

    /// The newest API keys, at most 100, also those that are not accepted any more.
    #[graphql(directive = requires_scopes::apply(scope("apikeys:write")))]
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 50)] first: i32,
    ) -> Result<Vec<super::api_keys::ApiKey>> {
        super::api_keys::newest(ctx, first).await
    }

    /// By whose word customers can sign in.
    #[graphql(directive = public::apply())]
    async fn identity_providers(&self, ctx: &Context<'_>) -> Result<Vec<super::providers::IdentityProvider>> {
        super::providers::all(ctx)
    }

    /// Identities of other providers that lead to the calling customer's account.
    #[graphql(directive = authenticated::apply(), directive = auth_modes::apply(mode(SESSION)))]
    async fn linked_identities(&self, ctx: &Context<'_>) -> Result<Vec<super::providers::LinkedIdentity>> {
        super::providers::linked(ctx).await
    }

    /// The caller's passkeys, the oldest first.
    #[graphql(directive = authenticated::apply(), directive = auth_modes::apply(mode(SESSION)))]
    async fn passkeys(&self, ctx: &Context<'_>) -> Result<Vec<super::passkeys::Passkey>> {
        super::passkeys::own(ctx).await
    }

    #[graphql(entity)]
    async fn find_customer_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<types::Customer>> {
        let (customer, asks) = (parse_id::<CustomerId, _>("id", &id)?, context(ctx)?);
        if !asks.is(&Owner::Customer(customer)) && !asks.may("customers:read") {
            return Ok(None);
        }
        let found = ctx.data::<DataLoader<CustomerLoader, NoCache>>()?.load_one(customer).await;
        Ok(found.map_err(fault)?.map(Into::into))
    }
}
