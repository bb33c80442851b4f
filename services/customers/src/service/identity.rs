use crate::{model::Holder, scopes::OPERATOR_SELF, service::CustomersService};
use emporia_auth::TokenError;
use emporia_contracts::Principal;

/// Why a bearer token names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    /// The token is not accepted.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The text is no API key, or one that was revoked or has ended.
    #[error("the API key is not accepted: it is wrong, was revoked, or has ended")]
    ApiKey,
    /// It cannot be looked up now.
    #[error("who asks cannot be looked up now: {0}")]
    Unavailable(String),
    /// The token is ours, but of nobody whom this service knows.
    #[error("the access token is of no customer and no operator")]
    Subject,
}

impl CustomersService {
    /// The public keys of access tokens, as a JSON Web Key Set (RFC 7517).
    pub fn token_keys(&self) -> serde_json::Value {
        self.deps.tokens.jwks()
    }

    /// Who shows this access token (without the word `Bearer`). Only the token is looked at, not the store: it takes
    /// microseconds, and what changed since the token was issued shows when it is refreshed.
    ///
    /// # Errors
    /// [`IdentifyError`].
    pub fn identify(&self, bearer: &str) -> Result<Principal, IdentifyError> {
        let claims = self.deps.tokens.verify(bearer)?;
        match claims.subject.parse::<Holder>().map_err(|_| IdentifyError::Subject)? {
            Holder::Customer(id) => Ok(Principal::Customer(id)),
            Holder::Operator(id) => {
                let mut scopes = self.roles.held(&claims.scopes).into_set();
                scopes.insert(OPERATOR_SELF.to_owned());
                Ok(Principal::Operator { id, scopes })
            }
        }
    }
}
