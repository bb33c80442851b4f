//! API keys: with them other systems ask. The store is looked at for every request, so a revoked one is refused at once, by
//! every process.

use crate::{
    commands::{Granter, described, grant_scopes},
    model::ApiKey,
    service::{CustomersError, CustomersService, IdentifyError},
};
use emporia_auth::{Scopes, same_secret, secret_hash};
use emporia_contracts::{
    Principal,
    customers::{ApiKeyCreated, ApiKeyRevoked},
    ids::ApiKeyId,
};
use emporia_events::EventMeta;
use emporia_store::Query;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What every key begins with, so that people and scanners know one when they see it.
pub const API_KEY_PREFIX: &str = "emk_";

/// What may be told of an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyView {
    /// The key.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// What its text begins with.
    pub prefix: String,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key that was just made. Its text is a secret that is shown this once.
#[derive(Clone)]
pub struct NewApiKey {
    /// About the key.
    pub view: ApiKeyView,
    /// The key's text.
    pub secret: String,
}

impl std::fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewApiKey({})", self.view.id)
    }
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            prefix: prefix_of(key.id),
            id: key.id,
            name: key.name,
            scopes: key.scopes,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// `emk_`, and the id without its kind.
fn prefix_of(id: ApiKeyId) -> String {
    let id = id.to_string();
    format!("{API_KEY_PREFIX}{}", id.split_once('_').map_or(id.as_str(), |(_, digits)| digits))
}

/// Id and secret of a key's text.
fn parts_of(text: &str) -> Option<(ApiKeyId, &str)> {
    let (id, secret) = text.strip_prefix(API_KEY_PREFIX)?.split_once('_')?;
    Some((format!("key_{id}").parse().ok()?, secret))
}

impl CustomersService {
    /// Makes an API key. Nobody grants more than he holds; a part of the system (the command line) grants everything.
    ///
    /// # Errors
    /// [`crate::ApiKeyRefusal`]; faults.
    pub async fn create_api_key(
        &self,
        name: &str,
        scopes: &[String],
        expires_at: Option<Timestamp>,
        granter: &Principal,
        meta: &EventMeta,
    ) -> Result<NewApiKey, CustomersError> {
        let held: Scopes = granter.scopes().into_iter().collect();
        let granter = match granter {
            Principal::System(_) => Granter::System,
            _ => Granter::Holding(&held),
        };
        let scopes = grant_scopes(granter, scopes, &self.roles)?;
        let name = described(name, expires_at, self.now())?;
        let secret = self.ids.secret();
        let key = &ApiKey {
            id: self.ids.next(),
            name,
            hash: secret_hash(&secret),
            scopes,
            created_by: meta.actor.clone(),
            created_at: self.now(),
            expires_at,
            revoked_at: None,
        };
        self.space
            .transact(|tx| async move {
                tx.insert(key)?;
                let event = ApiKeyCreated {
                    api_key_id: key.id,
                    name: key.name.clone(),
                    scopes: key.scopes.clone(),
                    expires_at,
                };
                Ok::<_, CustomersError>(self.emit(&tx, &event, meta)?)
            })
            .await?;
        Ok(NewApiKey { secret: format!("{}_{secret}", prefix_of(key.id)), view: key.clone().into() })
    }

    /// Revokes an API key: from now on no process accepts it. Idempotent.
    ///
    /// # Errors
    /// [`CustomersError::NotFound`]; faults.
    pub async fn revoke_api_key(&self, id: ApiKeyId, meta: &EventMeta) -> Result<ApiKeyView, CustomersError> {
        self.space
            .transact(|tx| async move {
                let found = tx.get::<ApiKey>(&ApiKey::key_of(id)).await?;
                let mut key = found.ok_or_else(|| CustomersError::NotFound(format!("API key {id}")))?.value;
                if key.revoked_at.is_none() {
                    key.revoked_at = Some(self.now());
                    tx.put(&key)?;
                    self.emit(&tx, &ApiKeyRevoked { api_key_id: id }, meta)?;
                }
                Ok(key.into())
            })
            .await
    }

    /// The newest API keys, at most `limit` (1 to 1,000), also those that are not accepted any more.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn api_keys(&self, limit: usize) -> Result<Vec<ApiKeyView>, CustomersError> {
        let query = Query::index("by_created").descending().limit(limit.clamp(1, 1000));
        let found = self.space.query::<ApiKey>(query).await?;
        Ok(found.into_values().into_iter().map(Into::into).collect())
    }

    /// Who shows this API key.
    ///
    /// # Errors
    /// [`IdentifyError::ApiKey`] for one that does not hold, whatever the reason; [`IdentifyError::Unavailable`].
    pub async fn identify_api_key(&self, text: &str) -> Result<Principal, IdentifyError> {
        let (id, secret) = parts_of(text).ok_or(IdentifyError::ApiKey)?;
        let found = self.space.get::<ApiKey>(&ApiKey::key_of(id)).await;
        let found = found.map_err(|error| IdentifyError::Unavailable(error.to_string()))?;
        let key = found.ok_or(IdentifyError::ApiKey)?.value;
        if !same_secret(&key.hash, &secret_hash(secret)) || !key.holds(self.now()) {
            return Err(IdentifyError::ApiKey);
        }
        Ok(Principal::Service { id, scopes: key.scopes })
    }
}
