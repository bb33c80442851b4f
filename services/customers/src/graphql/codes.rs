use super::{
    attempt, own, service,
    sessions::{SessionPayload, payload},
    settled,
};
use crate::service::{CustomersError, CustomersService};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use emporia_contracts::RequestContext;
use emporia_events::EventMeta;
use emporia_subgraph::{UserError, access::*, context};

/// Names a mail address.
#[derive(InputObject)]
pub struct EmailInput {
    /// The mail address.
    email: String,
}

/// Shows a code.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// The code of the mail, such as `7Q2M-XK0D-94TB`; small letters and missing hyphens do not matter.
    #[graphql(secret)]
    code: String,
}

/// Chooses another password with the code of a mail.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// The mail address.
    email: String,
    /// The code of the mail: it holds for an hour, can be tried five times and used once.
    #[graphql(secret)]
    code: String,
    /// 8 to 128 characters, not the mail address.
    #[graphql(secret)]
    password: String,
}

/// Chooses another password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The present password.
    #[graphql(secret)]
    current_password: String,
    /// 8 to 128 characters, not the mail address.
    #[graphql(secret)]
    password: String,
}

/// What came of asking for a code.
#[derive(SimpleObject)]
pub struct CodePayload {
    /// Whether the request was taken. It says nothing about whether there is somebody to write to.
    accepted: bool,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of choosing another password.
#[derive(SimpleObject)]
pub struct PasswordPayload {
    /// Whether the password was changed. All sessions were ended: sign in.
    changed: bool,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of showing that a mail address is one's own.
#[derive(SimpleObject)]
pub struct VerifyEmailPayload {
    /// Whether the address is verified.
    verified: bool,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

fn asked(done: Result<(), CustomersError>) -> Result<CodePayload> {
    Ok(match settled(done)? {
        Ok(()) => CodePayload { accepted: true, user_errors: vec![] },
        Err(user_errors) => CodePayload { accepted: false, user_errors },
    })
}

fn changed(done: Result<(), CustomersError>) -> Result<PasswordPayload> {
    Ok(match settled(done)? {
        Ok(()) => PasswordPayload { changed: true, user_errors: vec![] },
        Err(user_errors) => PasswordPayload { changed: false, user_errors },
    })
}

fn asking<'a>(ctx: &Context<'a>) -> Result<(&'a CustomersService, &'a RequestContext, EventMeta)> {
    let asks = context(ctx)?;
    Ok((service(ctx)?, asks, asks.meta()))
}

/// Codes by mail, and what they are good for. Asking for one is answered the same whether or not there is an account.
#[derive(Default)]
pub struct Codes;

#[Object]
impl Codes {
    /// Sends a code to the mail address of somebody who wants to open an account: `register` takes it.
    #[graphql(directive = public::apply())]
    async fn start_registration(&self, ctx: &Context<'_>, input: EmailInput) -> Result<CodePayload> {
        let (service, asks, meta) = asking(ctx)?;
        let ask = service.start_registration(&input.email, &asks.locale, &meta);
        asked(attempt(ctx, ask).await)
    }

    /// Sends a code to a customer who has forgotten his password: `resetPassword` takes it.
    #[graphql(directive = public::apply())]
    async fn request_password_reset(&self, ctx: &Context<'_>, input: EmailInput) -> Result<CodePayload> {
        let (service, asks, meta) = asking(ctx)?;
        let ask = service.request_password_reset(&input.email, &asks.locale, &meta);
        asked(attempt(ctx, ask).await)
    }

    /// Gives a customer another password and ends all his sessions.
    #[graphql(directive = public::apply())]
    async fn reset_password(&self, ctx: &Context<'_>, input: ResetPasswordInput) -> Result<PasswordPayload> {
        let (service, meta) = (service(ctx)?, context(ctx)?.meta());
        let ResetPasswordInput { email, code, password } = input;
        changed(attempt(ctx, service.reset_password(&email, &code, &password, &meta)).await)
    }

    /// Sends a code to an operator who has forgotten his password: `resetOperatorPassword` takes it.
    #[graphql(directive = public::apply())]
    async fn request_operator_password_reset(
        &self,
        ctx: &Context<'_>,
        input: EmailInput,
    ) -> Result<CodePayload> {
        let (service, asks, meta) = asking(ctx)?;
        let ask = service.request_operator_password_reset(&input.email, &asks.locale, &meta);
        asked(attempt(ctx, ask).await)
    }

    /// Gives an operator another password and ends all his sessions.
    #[graphql(directive = public::apply())]
    async fn reset_operator_password(
        &self,
        ctx: &Context<'_>,
        input: ResetPasswordInput,
    ) -> Result<PasswordPayload> {
        let (service, meta) = (service(ctx)?, context(ctx)?.meta());
        let ResetPasswordInput { email, code, password } = input;
        changed(attempt(ctx, service.reset_operator_password(&email, &code, &password, &meta)).await)
    }

    /// Gives the caller another password, ends all his sessions and opens one.
    #[graphql(directive = authenticated::apply())]
    async fn change_password(&self, ctx: &Context<'_>, input: ChangePasswordInput) -> Result<SessionPayload> {
        let (service, asks) = (service(ctx)?, context(ctx)?);
        let ChangePasswordInput { current_password, password } = input;
        let meta = asks.meta();
        let change =
            service.change_password(&asks.principal, &current_password, &password, &asks.locale, &meta);
        payload(ctx, attempt(ctx, change).await)
    }

    /// Sends the caller a code with which he shows that his mail address is his own: `verifyEmail` takes it.
    #[graphql(directive = authenticated::apply())]
    async fn request_email_verification(&self, ctx: &Context<'_>) -> Result<CodePayload> {
        let (service, asks) = (service(ctx)?, context(ctx)?);
        asked(service.request_email_verification(own(ctx)?, &asks.locale, &asks.meta()).await)
    }

    /// Notes that the caller's mail address is his own.
    #[graphql(directive = authenticated::apply())]
    async fn verify_email(&self, ctx: &Context<'_>, input: VerifyEmailInput) -> Result<VerifyEmailPayload> {
        let verify = service(ctx)?.verify_email(own(ctx)?, &input.code, &context(ctx)?.meta()).await;
        Ok(match settled(verify)? {
            Ok(()) => VerifyEmailPayload { verified: true, user_errors: vec![] },
            Err(user_errors) => VerifyEmailPayload { verified: false, user_errors },
        })
    }
}
