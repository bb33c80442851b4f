use super::{
    attempt, failed, own, service,
    sessions::{SessionPayload, payload},
    settled,
};
use crate::service::{IdentityView, JourneyStart, Return};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use emporia_subgraph::{DateTime, UserError, access::*, context};

/// Somebody else by whose word customers sign in.
#[derive(SimpleObject)]
pub struct IdentityProvider {
    /// For `startOidcSignIn`.
    key: String,
    /// For people.
    name: String,
}

/// Begins a sign-in by a provider.
#[derive(InputObject)]
pub struct StartOidcSignInInput {
    /// Its key.
    provider: String,
    /// Where the customer comes back to, one of those that are configured; the first of them, if nothing is said.
    redirect_uri: Option<String>,
}

/// The customer is back from the provider.
#[derive(InputObject)]
pub struct CompleteOidcSignInInput {
    /// What `startOidcSignIn` gave.
    #[graphql(secret)]
    journey: String,
    /// The parameter `state` of the address to which he came back.
    #[graphql(secret)]
    state: String,
    /// The parameter `code` of that address.
    #[graphql(secret)]
    code: String,
    /// The parameter `iss` of that address, if there is one.
    iss: Option<String>,
}

/// Names an identity.
#[derive(InputObject)]
pub struct UnlinkIdentityInput {
    /// The identity.
    identity_id: ID,
}

/// An identity of another provider that leads to the caller's account.
#[derive(SimpleObject)]
pub struct LinkedIdentity {
    /// The identity.
    id: ID,
    /// Key of the provider.
    provider: String,
    /// Since when.
    linked_at: DateTime,
}

impl From<IdentityView> for LinkedIdentity {
    fn from(view: IdentityView) -> Self {
        Self { id: view.id.into(), provider: view.provider, linked_at: view.linked_at.into() }
    }
}

/// What came of unlinking an identity.
#[derive(SimpleObject)]
pub struct UnlinkIdentityPayload {
    /// Whether it leads to the account no more.
    unlinked: bool,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// A way to a provider.
#[derive(Default, SimpleObject)]
pub struct StartOidcSignInPayload {
    /// Where the customer's browser goes.
    authorization_url: Option<String>,
    /// Comes back with him.
    state: Option<String>,
    /// For `completeOidcSignIn`, once. A secret: keep it in the browser that began, so that nobody can be signed in by a
    /// link of somebody else's.
    journey: Option<String>,
    /// Until when he may come back.
    expires_at: Option<DateTime>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// The providers, for the query.
pub(super) fn all(ctx: &Context<'_>) -> Result<Vec<IdentityProvider>> {
    let all = service(ctx)?.providers();
    Ok(all.map(|(key, name)| IdentityProvider { key: key.to_owned(), name: name.to_owned() }).collect())
}

/// The caller's identities, for the query.
pub(super) async fn linked(ctx: &Context<'_>) -> Result<Vec<LinkedIdentity>> {
    let found = service(ctx)?.identities(own(ctx)?).await.map_err(failed)?;
    Ok(found.into_iter().map(Into::into).collect())
}

/// Signing in by other providers (OpenID Connect).
#[derive(Default)]
pub struct Providers;

#[Object]
impl Providers {
    /// Begins the sign-in of a customer by a provider.
    #[graphql(directive = public::apply())]
    async fn start_oidc_sign_in(
        &self,
        ctx: &Context<'_>,
        input: StartOidcSignInInput,
    ) -> Result<StartOidcSignInPayload> {
        let start = service(ctx)?.start_provider_sign_in(&input.provider, input.redirect_uri.as_deref());
        Ok(match settled(attempt(ctx, start).await)? {
            Ok(JourneyStart { authorization_url, state, journey, expires_at }) => StartOidcSignInPayload {
                authorization_url: Some(authorization_url),
                state: Some(state),
                journey: Some(journey),
                expires_at: Some(expires_at.into()),
                user_errors: vec![],
            },
            Err(user_errors) => StartOidcSignInPayload { user_errors, ..StartOidcSignInPayload::default() },
        })
    }

    /// Signs the customer in who comes back from a provider. Who is new gets an account; an account that is there is his
    /// when both the provider and this shop know that its mail address is.
    #[graphql(directive = public::apply())]
    async fn complete_oidc_sign_in(
        &self,
        ctx: &Context<'_>,
        input: CompleteOidcSignInInput,
    ) -> Result<SessionPayload> {
        let (service, asks) = (service(ctx)?, context(ctx)?);
        let CompleteOidcSignInInput { journey, state, code, iss } = &input;
        let back = Return { journey, state, code, issuer: iss.as_deref() };
        let meta = asks.meta();
        payload(ctx, attempt(ctx, service.complete_provider_sign_in(back, &asks.locale, &meta)).await)
    }

    /// An identity leads to the caller's account no more. When it comes again, its verified mail address may link it anew.
    #[graphql(directive = authenticated::apply(), directive = auth_modes::apply(mode(SESSION)))]
    async fn unlink_identity(
        &self,
        ctx: &Context<'_>,
        input: UnlinkIdentityInput,
    ) -> Result<UnlinkIdentityPayload> {
        let meta = context(ctx)?.meta();
        let done = service(ctx)?.unlink_identity(own(ctx)?, &input.identity_id, &meta).await;
        Ok(match settled(done)? {
            Ok(()) => UnlinkIdentityPayload { unlinked: true, user_errors: vec![] },
            Err(user_errors) => UnlinkIdentityPayload { unlinked: false, user_errors },
        })
    }
}
