use super::{attempt, failed, own, service, settled};
use crate::service::CustomersService;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use emporia_subgraph::{UserError, access::*, bad_input, context, parse_id};
use emporia_vault::PersonId;

/// Proves that it is the customer himself.
#[derive(InputObject)]
pub struct EraseMeInput {
    /// The present password.
    #[graphql(secret)]
    password: String,
}

/// Names a person: exactly one of the two.
#[derive(InputObject)]
pub struct PersonInput {
    /// By his account.
    customer_id: Option<ID>,
    /// By himself: guests have no account.
    person_id: Option<ID>,
}

/// What came of an erasure.
#[derive(SimpleObject)]
pub struct ErasurePayload {
    /// Whether the person is forgotten.
    erased: bool,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of an export.
#[derive(SimpleObject)]
pub struct ExportPayload {
    /// Everything that is kept about the person, as JSON.
    data: Option<String>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

async fn person(service: &CustomersService, input: PersonInput) -> Result<PersonId> {
    match (input.customer_id, input.person_id) {
        (Some(customer), None) => service.person_of(parse_id("customerId", &customer)?).await.map_err(failed),
        (None, Some(person)) => parse_id("personId", &person),
        _ => Err(bad_input("name the person by customerId or by personId")),
    }
}

async fn export(service: &CustomersService, person: PersonId) -> Result<ExportPayload> {
    let data = service.export_person(person).await.map_err(failed)?;
    Ok(ExportPayload { data: Some(data.to_string()), user_errors: vec![] })
}

/// What the law gives everybody: to know what is kept, and to be forgotten.
#[derive(Default)]
pub struct Privacy;

#[Object]
impl Privacy {
    /// Forgets the caller for good: his account, addresses, and what orders and mails keep about him. Orders stay,
    /// without him.
    #[graphql(directive = authenticated::apply())]
    async fn erase_me(&self, ctx: &Context<'_>, input: EraseMeInput) -> Result<ErasurePayload> {
        let meta = context(ctx)?.meta();
        let erase = service(ctx)?.erase_customer(own(ctx)?, &input.password, &meta);
        Ok(match settled(attempt(ctx, erase).await)? {
            Ok(()) => ErasurePayload { erased: true, user_errors: vec![] },
            Err(user_errors) => ErasurePayload { erased: false, user_errors },
        })
    }

    /// Everything that is kept about the caller.
    #[graphql(directive = authenticated::apply())]
    async fn export_me(&self, ctx: &Context<'_>) -> Result<ExportPayload> {
        let service = service(ctx)?;
        export(service, service.person_of(own(ctx)?).await.map_err(failed)?).await
    }

    /// Forgets a person for good. The same again changes nothing.
    #[graphql(directive = requires_scopes::apply(scope("customers:erase")))]
    async fn erase_person(&self, ctx: &Context<'_>, input: PersonInput) -> Result<ErasurePayload> {
        let service = service(ctx)?;
        let person = person(service, input).await?;
        service.erase_person(person, &context(ctx)?.meta()).await.map_err(failed)?;
        Ok(ErasurePayload { erased: true, user_errors: vec![] })
    }

    /// Everything that is kept about a person.
    #[graphql(directive = requires_scopes::apply(scope("customers:read")))]
    async fn export_person(&self, ctx: &Context<'_>, input: PersonInput) -> Result<ExportPayload> {
        let service = service(ctx)?;
        export(service, person(service, input).await?).await
    }
}
