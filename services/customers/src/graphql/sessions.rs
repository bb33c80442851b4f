use super::{attempt, own, service, settled, types};
use crate::service::{CustomersError, FirstStep, Half, Registration, SignedIn, Who};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use emporia_contracts::Principal;
use emporia_subgraph::{DateTime, UserError, access::*, context};

/// Opens an account.
#[derive(InputObject)]
pub struct RegisterInput {
    /// The mail address: with it and the password one signs in.
    email: String,
    /// The code that `startRegistration` sent to it: it holds for a day, can be tried five times and used once.
    #[graphql(secret)]
    code: String,
    /// 8 to 128 characters, not the mail address.
    #[graphql(secret)]
    password: String,
    /// Name, at most 120 characters.
    name: Option<String>,
    /// Telephone number.
    phone: Option<String>,
}

/// Signs in.
#[derive(InputObject)]
pub struct SignInInput {
    /// The mail address.
    email: String,
    /// The password.
    #[graphql(secret)]
    password: String,
}

/// Shows a refresh token.
#[derive(InputObject)]
pub struct RefreshTokenInput {
    /// The refresh token.
    #[graphql(secret)]
    refresh_token: String,
}

/// A session was opened or refreshed.
#[derive(Default, SimpleObject)]
pub struct SessionPayload {
    /// Send it as `Authorization: Bearer …` until it expires.
    access_token: Option<String>,
    /// For `refreshSession`, once: each refresh gives another one. Keep it where scripts of pages cannot read it.
    refresh_token: Option<String>,
    /// When the access token expires.
    expires_at: Option<DateTime>,
    /// Who signed in, when it is a customer.
    customer: Option<types::Customer>,
    /// Who signed in, when it is an operator.
    operator: Option<types::Operator>,
    /// The password was right, and the code of the authenticator, or a passkey, is still to come: `completeSignIn` takes it.
    second_step: Option<SecondStep>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// The second step of a sign-in.
#[derive(SimpleObject)]
pub struct SecondStep {
    /// For `completeSignIn`.
    challenge: String,
    /// From then on the first step has to be done again.
    expires_at: DateTime,
    /// Whether a passkey may be shown instead of the code: `startPasskeySecondStep` takes the challenge.
    passkeys: bool,
}

/// The second step of a sign-in.
#[derive(InputObject)]
pub struct CompleteSignInInput {
    /// What the first step gave.
    #[graphql(secret)]
    challenge: String,
    /// The code that the authenticator shows, or a recovery code.
    #[graphql(secret)]
    code: String,
}

/// Sessions were ended.
#[derive(SimpleObject)]
pub struct SignOutPayload {
    /// Whether the session has ended: always.
    signed_out: bool,
    /// What has to be put right: nothing.
    user_errors: Vec<UserError>,
}

const SIGNED_OUT: SignOutPayload = SignOutPayload { signed_out: true, user_errors: Vec::new() };

pub(super) fn payload(ctx: &Context<'_>, done: Result<SignedIn, CustomersError>) -> Result<SessionPayload> {
    let signed = match settled(done)? {
        Ok(signed) => signed,
        Err(user_errors) => return Ok(SessionPayload { user_errors, ..SessionPayload::default() }),
    };
    let (customer, operator) = match signed.who {
        Who::Customer(customer) => (Some((*customer).into()), None),
        Who::Operator(operator) => (None, Some(types::Operator::new(*operator, &service(ctx)?.roles))),
    };
    Ok(SessionPayload {
        access_token: Some(signed.access.token),
        refresh_token: Some(signed.refresh_token),
        expires_at: Some(signed.access.expires_at.into()),
        customer,
        operator,
        second_step: None,
        user_errors: vec![],
    })
}

/// Sessions. None of these takes an idempotency key: its record would have to hold tokens.
#[derive(Default)]
pub struct Sessions;

#[Object]
impl Sessions {
    /// Opens an account and signs in. A mail address has one account, and whoever opens it shows that he reads its mail:
    /// see `startRegistration`.
    #[graphql(directive = public::apply())]
    async fn register(&self, ctx: &Context<'_>, input: RegisterInput) -> Result<SessionPayload> {
        let RegisterInput { email, code, password, name, phone } = input;
        let registration = Registration { email, password, name, phone };
        let (service, meta) = (service(ctx)?, context(ctx)?.meta());
        payload(ctx, attempt(ctx, service.register(registration, &code, &meta)).await)
    }

    /// Signs a customer in.
    #[graphql(directive = public::apply())]
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Result<SessionPayload> {
        let (service, meta) = (service(ctx)?, context(ctx)?.meta());
        payload(ctx, attempt(ctx, service.sign_in(&input.email, &input.password, &meta)).await)
    }

    /// Signs an operator or associate in. Who has a second factor gets `secondStep` and no tokens yet.
    #[graphql(directive = public::apply())]
    async fn sign_in_operator(&self, ctx: &Context<'_>, input: SignInInput) -> Result<SessionPayload> {
        let first = attempt(ctx, service(ctx)?.sign_in_operator(&input.email, &input.password)).await;
        match first {
            Ok(FirstStep::Half(Half { challenge, expires_at, passkeys })) => {
                let second = SecondStep { challenge, expires_at: expires_at.into(), passkeys };
                Ok(SessionPayload { second_step: Some(second), ..SessionPayload::default() })
            }
            Ok(FirstStep::SignedIn(signed)) => payload(ctx, Ok(*signed)),
            Err(error) => payload(ctx, Err(error)),
        }
    }

    /// Signs an operator in who has shown his password and shows the code of his authenticator now.
    #[graphql(directive = public::apply())]
    async fn complete_sign_in(
        &self,
        ctx: &Context<'_>,
        input: CompleteSignInInput,
    ) -> Result<SessionPayload> {
        payload(ctx, attempt(ctx, service(ctx)?.complete_sign_in(&input.challenge, &input.code)).await)
    }

    /// The next pair of tokens. A refresh token that is shown a second time ends its session.
    #[graphql(directive = public::apply())]
    async fn refresh_session(&self, ctx: &Context<'_>, input: RefreshTokenInput) -> Result<SessionPayload> {
        payload(ctx, service(ctx)?.refresh(&input.refresh_token, &context(ctx)?.meta()).await)
    }

    /// Ends the session of this refresh token. Its last access token holds until it expires.
    #[graphql(directive = public::apply())]
    async fn sign_out(&self, ctx: &Context<'_>, input: RefreshTokenInput) -> Result<SignOutPayload> {
        service(ctx)?.sign_out(&input.refresh_token).await.map_err(super::failed)?;
        Ok(SIGNED_OUT)
    }

    /// Ends all sessions of the caller. Access tokens hold until they expire.
    #[graphql(directive = authenticated::apply())]
    async fn sign_out_everywhere(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        let service = service(ctx)?;
        match &context(ctx)?.principal {
            Principal::Operator { id, .. } => service.sign_out_operator_everywhere(*id).await,
            _ => service.sign_out_everywhere(own(ctx)?).await,
        }
        .map_err(super::failed)?;
        Ok(SIGNED_OUT)
    }
}
