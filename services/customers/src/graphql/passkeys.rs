use super::{
    attempt, failed, service,
    sessions::{SessionPayload, payload},
    settled,
};
use crate::service::{CeremonyStart, CustomersError, PasskeyView};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use emporia_subgraph::{DateTime, UserError, access::*, context};

/// Proves that it is the holder of the account himself.
#[derive(InputObject)]
pub struct StartPasskeyRegistrationInput {
    /// The present password; without one, when the account has none.
    #[graphql(secret)]
    password: Option<String>,
}

/// Brings the passkey that a device made.
#[derive(InputObject)]
pub struct FinishPasskeyRegistrationInput {
    /// What `startPasskeyRegistration` gave.
    #[graphql(secret)]
    ceremony: String,
    /// What the device gave: `JSON.stringify(credential.toJSON())`.
    #[graphql(secret)]
    credential: String,
    /// What its holder calls it: at most 120 characters.
    name: String,
}

/// Gives a passkey another name.
#[derive(InputObject)]
pub struct RenamePasskeyInput {
    /// The passkey.
    passkey_id: ID,
    /// At most 120 characters.
    name: String,
}

/// Names a passkey.
#[derive(InputObject)]
pub struct PasskeyInput {
    /// The passkey.
    passkey_id: ID,
}

/// Signs in with a passkey.
#[derive(InputObject)]
pub struct SignInWithPasskeyInput {
    /// What `startPasskeySignIn` gave.
    #[graphql(secret)]
    ceremony: String,
    /// What the device gave: `JSON.stringify(credential.toJSON())`.
    #[graphql(secret)]
    credential: String,
}

/// Begins the second step of a sign-in with a passkey.
#[derive(InputObject)]
pub struct StartPasskeySecondStepInput {
    /// What the first step gave.
    #[graphql(secret)]
    challenge: String,
}

/// The second step of a sign-in, with a passkey.
#[derive(InputObject)]
pub struct CompleteSignInWithPasskeyInput {
    /// What the first step gave.
    #[graphql(secret)]
    challenge: String,
    /// What `startPasskeySecondStep` gave.
    #[graphql(secret)]
    ceremony: String,
    /// What the device gave: `JSON.stringify(credential.toJSON())`.
    #[graphql(secret)]
    credential: String,
}

/// A passkey: a key pair whose private half stays on its holder's devices.
#[derive(SimpleObject)]
pub struct Passkey {
    /// The passkey.
    id: ID,
    /// What its holder calls it.
    name: String,
    /// Since when.
    created_at: DateTime,
    /// When it was last shown.
    used_at: Option<DateTime>,
}

impl From<PasskeyView> for Passkey {
    fn from(view: PasskeyView) -> Self {
        Self {
            id: view.id.into(),
            name: view.name,
            created_at: view.created_at.into(),
            used_at: view.used_at.map(Into::into),
        }
    }
}

/// What a device is asked.
#[derive(Default, SimpleObject)]
pub struct PasskeyCeremonyPayload {
    /// For the next step, once. A secret.
    ceremony: Option<String>,
    /// For the device, as JSON: `PublicKeyCredential.parseCreationOptionsFromJSON` (a new passkey) or
    /// `parseRequestOptionsFromJSON` (a sign-in) reads it once it is parsed.
    options: Option<String>,
    /// Until when the device may answer.
    expires_at: Option<DateTime>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of a change of a passkey.
#[derive(SimpleObject)]
pub struct PasskeyPayload {
    /// The passkey.
    passkey: Option<Passkey>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of removing a passkey.
#[derive(SimpleObject)]
pub struct RemovePasskeyPayload {
    /// Whether it was removed.
    removed: bool,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

fn started(done: Result<CeremonyStart, CustomersError>) -> Result<PasskeyCeremonyPayload> {
    Ok(match settled(done)? {
        Ok(CeremonyStart { ceremony, options, expires_at }) => PasskeyCeremonyPayload {
            ceremony: Some(ceremony),
            options: Some(options),
            expires_at: Some(expires_at.into()),
            user_errors: vec![],
        },
        Err(user_errors) => PasskeyCeremonyPayload { user_errors, ..PasskeyCeremonyPayload::default() },
    })
}

fn changed(done: Result<PasskeyView, CustomersError>) -> Result<PasskeyPayload> {
    Ok(match settled(done)? {
        Ok(view) => PasskeyPayload { passkey: Some(view.into()), user_errors: vec![] },
        Err(user_errors) => PasskeyPayload { passkey: None, user_errors },
    })
}

/// The caller's passkeys, for the query.
pub(super) async fn own(ctx: &Context<'_>) -> Result<Vec<Passkey>> {
    let found = service(ctx)?.passkeys(&context(ctx)?.principal).await.map_err(failed)?;
    Ok(found.into_iter().map(Into::into).collect())
}

/// Passkeys: for customers instead of a password, for operators instead of the codes of an authenticator.
#[derive(Default)]
pub struct Passkeys;

#[Object]
impl Passkeys {
    /// Begins to register a passkey of the caller's. An operator has a second factor first.
    #[graphql(directive = authenticated::apply(), directive = auth_modes::apply(mode(SESSION)))]
    async fn start_passkey_registration(
        &self,
        ctx: &Context<'_>,
        input: StartPasskeyRegistrationInput,
    ) -> Result<PasskeyCeremonyPayload> {
        let start = service(ctx)?.start_passkey(&context(ctx)?.principal, input.password.as_deref());
        started(attempt(ctx, start).await)
    }

    /// Registers the passkey that the caller's device made.
    #[graphql(directive = authenticated::apply(), directive = auth_modes::apply(mode(SESSION)))]
    async fn finish_passkey_registration(
        &self,
        ctx: &Context<'_>,
        input: FinishPasskeyRegistrationInput,
    ) -> Result<PasskeyPayload> {
        let (service, asks) = (service(ctx)?, context(ctx)?);
        let FinishPasskeyRegistrationInput { ceremony, credential, name } = input;
        let (who, locale, meta) = (&asks.principal, &asks.locale, asks.meta());
        changed(service.finish_passkey(who, &ceremony, &credential, &name, locale, &meta).await)
    }

    /// Gives a passkey of the caller's another name.
    #[graphql(directive = authenticated::apply(), directive = auth_modes::apply(mode(SESSION)))]
    async fn rename_passkey(&self, ctx: &Context<'_>, input: RenamePasskeyInput) -> Result<PasskeyPayload> {
        let who = &context(ctx)?.principal;
        changed(service(ctx)?.rename_passkey(who, &input.passkey_id, &input.name).await)
    }

    /// A passkey of the caller's is not accepted any more.
    #[graphql(directive = authenticated::apply(), directive = auth_modes::apply(mode(SESSION)))]
    async fn remove_passkey(&self, ctx: &Context<'_>, input: PasskeyInput) -> Result<RemovePasskeyPayload> {
        let asks = context(ctx)?;
        let removed = service(ctx)?.remove_passkey(&asks.principal, &input.passkey_id, &asks.meta()).await;
        Ok(match settled(removed)? {
            Ok(()) => RemovePasskeyPayload { removed: true, user_errors: vec![] },
            Err(user_errors) => RemovePasskeyPayload { removed: false, user_errors },
        })
    }

    /// Begins the sign-in of a customer with a passkey. Who he is comes from his device.
    #[graphql(directive = public::apply())]
    async fn start_passkey_sign_in(&self, ctx: &Context<'_>) -> Result<PasskeyCeremonyPayload> {
        started(attempt(ctx, service(ctx)?.start_passkey_sign_in()).await)
    }

    /// Signs a customer in with a passkey.
    #[graphql(directive = public::apply())]
    async fn sign_in_with_passkey(
        &self,
        ctx: &Context<'_>,
        input: SignInWithPasskeyInput,
    ) -> Result<SessionPayload> {
        let (service, meta) = (service(ctx)?, context(ctx)?.meta());
        let sign_in = service.sign_in_with_passkey(&input.ceremony, &input.credential, &meta);
        payload(ctx, attempt(ctx, sign_in).await)
    }

    /// Begins the second step of an operator's sign-in with a passkey instead of a code.
    #[graphql(directive = public::apply())]
    async fn start_passkey_second_step(
        &self,
        ctx: &Context<'_>,
        input: StartPasskeySecondStepInput,
    ) -> Result<PasskeyCeremonyPayload> {
        started(attempt(ctx, service(ctx)?.start_passkey_second_step(&input.challenge)).await)
    }

    /// Signs an operator in who has shown his password and shows a passkey now.
    #[graphql(directive = public::apply())]
    async fn complete_sign_in_with_passkey(
        &self,
        ctx: &Context<'_>,
        input: CompleteSignInWithPasskeyInput,
    ) -> Result<SessionPayload> {
        let (service, meta) = (service(ctx)?, context(ctx)?.meta());
        let CompleteSignInWithPasskeyInput { challenge, ceremony, credential } = input;
        let complete = service.complete_sign_in_with_passkey(&challenge, &ceremony, &credential, &meta);
        payload(ctx, attempt(ctx, complete).await)
    }
}
