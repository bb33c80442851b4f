use crate::{model::Holder, service::CustomersService};
use emporia_auth::TokenError;
use emporia_contracts::Principal;

/// Why a bearer token names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    /// The token is not accepted.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token is ours, but of nobody whom this service knows.
    #[error("the access token is of no customer and no operator")]
    Subject,
}

impl CustomersService {
    /// Who shows this access token (without the word `Bearer`). Only the token is looked at, not the store: it takes
    /// microseconds, and what changed since the token was issued shows when it is refreshed.
    ///
    /// # Errors
    /// [`IdentifyError`].
    pub fn identify(&self, bearer: &str) -> Result<Principal, IdentifyError> {
        let claims = self.deps.tokens.verify(bearer)?;
        match claims.subject.parse::<Holder>().map_err(|_| IdentifyError::Subject)? {
            Holder::Customer(id) => Ok(Principal::Customer(id)),
            Holder::Operator(id) => Ok(Principal::Operator { id, scopes: claims.scopes.into_set() }),
        }
    }
}
