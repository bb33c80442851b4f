//! Callers whom another issuer vouches for.

use crate::config::AuthenticationConfig;
use emporia_gateway::{AuthMode, Caller, ErrorCode, GatewayError};
use emporia_oidc::{Issuer, OidcError, SetupError};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Believes the tokens of one issuer for some audiences.
pub(super) struct Tokens {
    issuer: Issuer,
    audiences: Vec<String>,
    policies: Option<String>,
}

/// What a token says; scopes are written in one of the two ways that are in use (RFC 9068, 2.2.3.1; `scp`).
#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: Texts,
    #[serde(default)]
    scp: Texts,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Texts in a list, or in one text with spaces between.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Many(vec![])
    }
}

impl Texts {
    fn into_set(self) -> BTreeSet<String> {
        match self {
            Self::One(text) => text.split_whitespace().map(ToOwned::to_owned).collect(),
            Self::Many(texts) => texts.into_iter().collect(),
        }
    }
}

impl Tokens {
    /// `None` when no issuer is named.
    pub(super) fn of(config: &AuthenticationConfig) -> Result<Option<Self>, SetupError> {
        let AuthenticationConfig { issuer, audiences, jwks_uri, policies_claim } = config.clone();
        if issuer.is_empty() {
            return Ok(None);
        }
        if audiences.is_empty() {
            return Err(SetupError::Missing("audiences"));
        }
        let issuer = match jwks_uri {
            Some(keys) => Issuer::with_keys_at(&issuer, &keys)?,
            None => Issuer::discovered(&issuer)?,
        };
        Ok(Some(Self { issuer, audiences, policies: policies_claim }))
    }

    /// Who shows this `Authorization`.
    pub(super) async fn caller(&self, authorization: &str) -> Result<Caller, GatewayError> {
        let bearer =
            authorization.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = bearer else {
            let form = "the Authorization header has the form: Bearer <access token>";
            return Err(GatewayError::unauthenticated(form));
        };
        let audiences: Vec<&str> = self.audiences.iter().map(String::as_str).collect();
        let claims = self.issuer.verify::<Claims>(token.trim(), &audiences).await;
        let mut claims = claims.map_err(|error| match error {
            OidcError::Rejected(why) => GatewayError::unauthenticated(why),
            OidcError::Unavailable { .. } => {
                let message = "who asks cannot be looked up now: try again in a moment";
                GatewayError::new(ErrorCode::SubgraphUnavailable, message)
            }
        })?;
        let policies = self.policies.as_ref().and_then(|claim| claims.others.remove(claim));
        let policies = policies.and_then(|value| serde_json::from_value::<Texts>(value).ok());
        let mut scopes = claims.scope.into_set();
        scopes.append(&mut claims.scp.into_set());
        Ok(Caller {
            policies: policies.unwrap_or_default().into_set(),
            mode: Some(AuthMode::Oidc),
            key: Some(format!("oidc/{}", claims.sub).into()),
            ..Caller::with_scopes(scopes)
        })
    }
}
