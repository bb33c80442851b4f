use super::{attempt, service, settled};
use crate::{scopes::OPERATOR_SELF, service::Enrolment};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use emporia_contracts::{Principal, ids::OperatorId};
use emporia_subgraph::{UserError, access::*, context, forbidden};

/// Proves that it is the operator himself.
#[derive(InputObject)]
pub struct StartSecondFactorInput {
    /// The present password.
    #[graphql(secret)]
    password: String,
}

/// Shows the first code of an authenticator.
#[derive(InputObject)]
pub struct ConfirmSecondFactorInput {
    /// The six digits that it shows.
    #[graphql(secret)]
    code: String,
}

/// Proves that it is the operator himself.
#[derive(InputObject)]
pub struct RemoveSecondFactorInput {
    /// The present password.
    #[graphql(secret)]
    password: String,
    /// The code that the authenticator shows, or a recovery code.
    #[graphql(secret)]
    code: String,
}

/// What an authenticator app is given. Both texts are secrets.
#[derive(Default, SimpleObject)]
pub struct StartSecondFactorPayload {
    /// For typing: base 32.
    secret: Option<String>,
    /// For scanning: `otpauth://totp/…`.
    uri: Option<String>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of showing the first code.
#[derive(SimpleObject)]
pub struct ConfirmSecondFactorPayload {
    /// Codes that stand in for the authenticator, each once. They are shown this once: keep them apart from it.
    recovery_codes: Vec<String>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of removing a second factor.
#[derive(SimpleObject)]
pub struct RemoveSecondFactorPayload {
    /// Whether signing in takes the password alone again.
    removed: bool,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

fn himself(ctx: &Context<'_>) -> Result<OperatorId> {
    match &context(ctx)?.principal {
        Principal::Operator { id, .. } => Ok(*id),
        _ => Err(forbidden("only operators have a second factor")),
    }
}

/// The second factor of operators.
#[derive(Default)]
pub struct SecondFactors;

#[Object]
impl SecondFactors {
    /// Gives the calling operator a secret for his authenticator app: `confirmSecondFactor` takes its first code.
    #[graphql(directive = requires_scopes::apply(scope(OPERATOR_SELF)))]
    async fn start_second_factor(
        &self,
        ctx: &Context<'_>,
        input: StartSecondFactorInput,
    ) -> Result<StartSecondFactorPayload> {
        let start = service(ctx)?.start_second_factor(himself(ctx)?, &input.password);
        Ok(match settled(attempt(ctx, start).await)? {
            Ok(Enrolment { secret, uri }) => StartSecondFactorPayload {
                secret: Some(secret.to_string()),
                uri: Some(uri.to_string()),
                user_errors: vec![],
            },
            Err(user_errors) => {
                StartSecondFactorPayload { user_errors, ..StartSecondFactorPayload::default() }
            }
        })
    }

    /// From now on the calling operator is asked for a code of his authenticator when he signs in.
    #[graphql(directive = requires_scopes::apply(scope(OPERATOR_SELF)))]
    async fn confirm_second_factor(
        &self,
        ctx: &Context<'_>,
        input: ConfirmSecondFactorInput,
    ) -> Result<ConfirmSecondFactorPayload> {
        let (service, meta) = (service(ctx)?, context(ctx)?.meta());
        let confirm = service.confirm_second_factor(himself(ctx)?, &input.code, &meta);
        Ok(match settled(attempt(ctx, confirm).await)? {
            Ok(recovery_codes) => ConfirmSecondFactorPayload { recovery_codes, user_errors: vec![] },
            Err(user_errors) => ConfirmSecondFactorPayload { recovery_codes: vec![], user_errors },
        })
    }

    /// The calling operator signs in with his password alone again.
    #[graphql(directive = requires_scopes::apply(scope(OPERATOR_SELF)))]
    async fn remove_second_factor(
        &self,
        ctx: &Context<'_>,
        input: RemoveSecondFactorInput,
    ) -> Result<RemoveSecondFactorPayload> {
        let (service, meta) = (service(ctx)?, context(ctx)?.meta());
        let remove = service.remove_second_factor(himself(ctx)?, &input.password, &input.code, &meta);
        Ok(match settled(attempt(ctx, remove).await)? {
            Ok(()) => RemoveSecondFactorPayload { removed: true, user_errors: vec![] },
            Err(user_errors) => RemoveSecondFactorPayload { removed: false, user_errors },
        })
    }
}
