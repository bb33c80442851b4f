use crate::{commands::AccountRefusal, model::Customer};
use emporia_contracts::ids::CustomerId;

/// What becomes of somebody whom a provider knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linking {
    /// He has an account and signs in to it.
    Known(CustomerId),
    /// He reads the mail of an account's address, which is known to be its holder's: the account is his.
    Linked(CustomerId),
    /// He gets an account.
    New,
}

/// Decides to which account an identity leads. Before it has led to one, an address decides, and it has to be verified on
/// both sides: whoever opens an account with a stranger's address at the provider must not get into the stranger's, and
/// whoever opened one here must not wait in it for its owner.
pub(crate) fn link(
    known: Option<CustomerId>,
    email_verified: bool,
    account: Option<&Customer>,
) -> Result<Linking, AccountRefusal> {
    match (known, account) {
        (Some(known), _) => Ok(Linking::Known(known)),
        // Whether there is an account is not told to somebody who may not be the address's owner.
        (None, _) if !email_verified => Err(AccountRefusal::IdentityUnverified),
        (None, None) => Ok(Linking::New),
        (None, Some(account)) if account.verified_at.is_some() => Ok(Linking::Linked(account.id)),
        (None, Some(_)) => Err(AccountRefusal::IdentityTaken),
    }
}
