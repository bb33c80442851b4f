use super::{failed, service, settled};
use crate::service::{ApiKeyView, NewApiKey};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use emporia_subgraph::{DateTime, UserError, access::*, bad_input, context, parse_id};

/// Makes an API key.
#[derive(InputObject)]
pub struct CreateApiKeyInput {
    /// What people call it: 1 to 80 characters.
    name: String,
    /// What it may do: `orders:read`, `stock:write` …
    scopes: Vec<String>,
    /// When it ends by itself; never, if left out.
    expires_at: Option<DateTime>,
}

/// Names an API key.
#[derive(InputObject)]
pub struct ApiKeyInput {
    /// The key.
    api_key_id: ID,
}

/// A key with which another system asks: `Authorization: Bearer emk_…`.
#[derive(SimpleObject)]
pub struct ApiKey {
    /// The key.
    id: ID,
    /// What people call it.
    name: String,
    /// What its text begins with.
    prefix: String,
    /// What it may do.
    scopes: Vec<String>,
    /// Who made it.
    created_by: String,
    /// When it was made.
    created_at: DateTime,
    /// When it ends by itself.
    expires_at: Option<DateTime>,
    /// When it was revoked.
    revoked_at: Option<DateTime>,
}

impl From<ApiKeyView> for ApiKey {
    fn from(key: ApiKeyView) -> Self {
        Self {
            id: key.id.to_string().into(),
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes.into_iter().collect(),
            created_by: key.created_by,
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(Into::into),
            revoked_at: key.revoked_at.map(Into::into),
        }
    }
}

/// What came of making an API key.
#[derive(Default, SimpleObject)]
pub struct CreateApiKeyPayload {
    /// The key.
    api_key: Option<ApiKey>,
    /// Its text: a secret that is shown this once and stored nowhere.
    secret: Option<String>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of revoking an API key.
#[derive(SimpleObject)]
pub struct RevokeApiKeyPayload {
    /// The key.
    api_key: Option<ApiKey>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// Keys for other systems.
#[derive(Default)]
pub struct ApiKeys;

#[Object]
impl ApiKeys {
    /// Makes an API key. Nobody grants more than he holds.
    #[graphql(directive = requires_scopes::apply(scope("apikeys:write")))]
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload> {
        let (service, asks) = (service(ctx)?, context(ctx)?);
        let CreateApiKeyInput { name, scopes, expires_at } = input;
        let end = expires_at.map(|end| end.0);
        let made = service.create_api_key(&name, &scopes, end, &asks.principal, &asks.meta()).await;
        Ok(match settled(made)? {
            Ok(NewApiKey { view, secret }) => {
                CreateApiKeyPayload { api_key: Some(view.into()), secret: Some(secret), user_errors: vec![] }
            }
            Err(user_errors) => CreateApiKeyPayload { user_errors, ..CreateApiKeyPayload::default() },
        })
    }

    /// Revokes an API key: it is refused from now on. The same again changes nothing.
    #[graphql(directive = requires_scopes::apply(scope("apikeys:write")))]
    async fn revoke_api_key(&self, ctx: &Context<'_>, input: ApiKeyInput) -> Result<RevokeApiKeyPayload> {
        let id = parse_id("apiKeyId", &input.api_key_id)?;
        let revoked = service(ctx)?.revoke_api_key(id, &context(ctx)?.meta()).await;
        Ok(match settled(revoked)? {
            Ok(view) => RevokeApiKeyPayload { api_key: Some(view.into()), user_errors: vec![] },
            Err(user_errors) => RevokeApiKeyPayload { api_key: None, user_errors },
        })
    }
}

/// The newest keys, for the query.
pub(super) async fn newest(ctx: &Context<'_>, first: i32) -> Result<Vec<ApiKey>> {
    let first = usize::try_from(first).ok().filter(|first| (1..=100).contains(first));
    let first = first.ok_or_else(|| bad_input("first: give a number from 1 to 100"))?;
    Ok(service(ctx)?.api_keys(first).await.map_err(failed)?.into_iter().map(Into::into).collect())
}
