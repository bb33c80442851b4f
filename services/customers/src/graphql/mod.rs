//! The subgraph: thin.

mod api_keys;
mod codes;
mod operators;
mod passkeys;
mod privacy;
mod profile;
mod providers;
mod query;
mod second_factor;
mod sessions;
mod types;

use crate::{
    AccountRefusal, ApiKeyRefusal, OperatorRefusal,
    service::{CustomerView, CustomersError, CustomersService},
};
use async_graphql::{Context, EmptySubscription, Error, MergedObject, Result, Schema, dataloader::Loader};
use emporia_contracts::{Fault, Principal, ids::CustomerId};
use emporia_store::Version;
use emporia_subgraph::{
    Subgraph, UserError, UserErrorCode, bad_input, batched, context, fault, not_found, recorded, store_error,
};
use std::collections::HashMap;

/// Changes of accounts, sessions and rights.
#[derive(Default, MergedObject)]
pub struct Mutation(
    sessions::Sessions,
    codes::Codes,
    profile::Profiles,
    operators::Operators,
    second_factor::SecondFactors,
    passkeys::Passkeys,
    providers::Providers,
    api_keys::ApiKeys,
    privacy::Privacy,
);

/// Builds the subgraph.
pub fn schema(service: CustomersService) -> Subgraph {
    let loader = batched(CustomerLoader(service.clone()), 200);
    Subgraph::new(
        Schema::build(query::Query, recorded(Mutation::default()).and_shoppers(), EmptySubscription)
            .data(service)
            .data(loader),
    )
}

/// The customers of one page in one look.
struct CustomerLoader(CustomersService);

impl Loader<CustomerId> for CustomerLoader {
    type Value = CustomerView;
    type Error = Fault;

    async fn load(&self, keys: &[CustomerId]) -> Result<HashMap<CustomerId, CustomerView>, Fault> {
        let found = self.0.customers(keys).await.map_err(crate::service::as_fault)?;
        Ok(found.into_iter().flatten().map(|customer| (customer.id, customer)).collect())
    }
}

fn service<'a>(ctx: &Context<'a>) -> Result<&'a CustomersService> {
    ctx.data::<CustomersService>()
}

/// The signed-in customer himself.
fn own(ctx: &Context<'_>) -> Result<CustomerId> {
    match &context(ctx)?.principal {
        Principal::Customer(id) => Ok(*id),
        Principal::Anonymous => Err(emporia_subgraph::unauthenticated("sign in first")),
        _ => Err(emporia_subgraph::forbidden("only customers have an account of this kind")),
    }
}

/// Counts the attempt under the caller's network address, then does it.
async fn attempt<T>(
    ctx: &Context<'_>,
    act: impl Future<Output = Result<T, CustomersError>>,
) -> Result<T, CustomersError> {
    let client = ctx.data::<emporia_contracts::RequestContext>().ok().and_then(|asks| asks.client);
    ctx.data_unchecked::<CustomersService>().admit(client)?;
    act.await
}

fn version(text: Option<&str>) -> Result<Option<Version>> {
    text.map(|text| {
        let number =
            text.parse().map_err(|_| bad_input("expectedVersion: give the version as it was read"))?;
        Ok(Version::from_i64(number))
    })
    .transpose()
}

/// What can be put right goes to the caller as data, the rest as an error. `field` is where the mail address, the
/// password and the roles stand in the input.
fn settled<T>(done: Result<T, CustomersError>) -> Result<Result<T, Vec<UserError>>> {
    match done {
        Ok(value) => Ok(Ok(value)),
        Err(CustomersError::Refused(refusal)) => Ok(Err(vec![user_error(&refusal)])),
        Err(CustomersError::Operator(refusal)) => {
            let code = match refusal {
                OperatorRefusal::NoRole { .. } => UserErrorCode::NotFound,
                OperatorRefusal::NoRoles => UserErrorCode::Required,
                OperatorRefusal::Exceeds(_) => UserErrorCode::StateNotAllowed,
            };
            Ok(Err(vec![UserError::new(code, "roles", refusal.to_string())]))
        }
        Err(CustomersError::ApiKey(refusal)) => {
            let (code, field) = match refusal {
                ApiKeyRefusal::Name => (UserErrorCode::Invalid, "name"),
                ApiKeyRefusal::NoScopes => (UserErrorCode::Required, "scopes"),
                ApiKeyRefusal::NoScope { .. } => (UserErrorCode::NotFound, "scopes"),
                ApiKeyRefusal::Exceeds(_) => (UserErrorCode::StateNotAllowed, "scopes"),
                ApiKeyRefusal::Over => (UserErrorCode::Invalid, "expiresAt"),
            };
            Ok(Err(vec![UserError::new(code, field, refusal.to_string())]))
        }
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: CustomersError) -> Error {
    match error {
        CustomersError::NotFound(_) => not_found(error.to_string()),
        CustomersError::Store(error) => store_error("customers", error),
        CustomersError::Fault(error) => fault(error),
        CustomersError::Refused(_) | CustomersError::Operator(_) | CustomersError::ApiKey(_) => {
            bad_input(error.to_string())
        }
    }
}

fn user_error(refusal: &AccountRefusal) -> UserError {
    let (code, field) = match refusal {
        AccountRefusal::Email => (UserErrorCode::Invalid, "email"),
        AccountRefusal::EmailTaken => (UserErrorCode::Duplicate, "email"),
        AccountRefusal::Password(_) => (UserErrorCode::PasswordTooWeak, "password"),
        AccountRefusal::InvalidCredentials | AccountRefusal::SessionEnded => {
            (UserErrorCode::InvalidCredentials, "")
        }
        AccountRefusal::TooManyAttempts | AccountRefusal::TooManyCodes => (UserErrorCode::LimitExceeded, ""),
        AccountRefusal::SecondFactorWrong => (UserErrorCode::InvalidCredentials, "code"),
        AccountRefusal::SecondFactorLocked => (UserErrorCode::LimitExceeded, "code"),
        AccountRefusal::SecondFactorState(_) | AccountRefusal::NoPassword | AccountRefusal::NoPasskeys => {
            (UserErrorCode::StateNotAllowed, "")
        }
        AccountRefusal::NoProvider => (UserErrorCode::NotFound, "provider"),
        AccountRefusal::RedirectUri => (UserErrorCode::Invalid, "redirectUri"),
        AccountRefusal::ProviderUnavailable => (UserErrorCode::ProviderUnavailable, ""),
        AccountRefusal::ProviderRejected(_) | AccountRefusal::JourneyWrong => {
            (UserErrorCode::InvalidCredentials, "")
        }
        AccountRefusal::IdentityUnverified | AccountRefusal::IdentityTaken => {
            (UserErrorCode::StateNotAllowed, "")
        }
        AccountRefusal::NoIdentity => (UserErrorCode::NotFound, "identityId"),
        AccountRefusal::IdentityLimit => (UserErrorCode::LimitExceeded, ""),
        AccountRefusal::PasskeyWrong => (UserErrorCode::InvalidCredentials, "credential"),
        AccountRefusal::PasskeyForm => (UserErrorCode::Invalid, "credential"),
        AccountRefusal::NoPasskey => (UserErrorCode::NotFound, "passkeyId"),
        AccountRefusal::PasskeyLimit => (UserErrorCode::LimitExceeded, ""),
        AccountRefusal::CodeWrong => (UserErrorCode::InvalidCredentials, "code"),
        AccountRefusal::Text { field, .. } => (UserErrorCode::Invalid, *field),
        AccountRefusal::NoAddress(_) => (UserErrorCode::NotFound, "addressId"),
        AccountRefusal::BookFull => (UserErrorCode::LimitExceeded, ""),
        AccountRefusal::VersionConflict => (UserErrorCode::VersionConflict, "expectedVersion"),
    };
    UserError::new(code, field, refusal.to_string())
}
