//! Making an authorisation, and answering its 3-D Secure challenge.

use crate::{
    api::{self, AuthorisationRequest},
    authorisation::{Authorisation, Refusal},
    cards::Behaviour,
    ledger::{Fault, Tx},
    record, sessions, tokens,
};

/// Decides and records. The token is used up by an authorisation of any status, not by a refusal.
pub(crate) fn authorise(
    tx: &Tx<'_>,
    request: AuthorisationRequest,
    idempotency_key: &str,
) -> Result<Result<(api::Authorisation, Behaviour), Refusal>, Fault> {
    let token = match tokens::find(tx, &request.token)? {
        Ok(token) => token,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // The shopper agreed to the amount on the page, so no other can be taken.
    if let Some(session) = &token.session {
        let session = sessions::find(tx, session)?
            .ok_or_else(|| Fault::Corrupt(format!("no session {session} of a token")))?;
        if (session.amount, &session.currency) != (request.amount_minor, &request.currency) {
            return Ok(Err(Refusal::AmountDiffersFromSession {
                agreed: format!("{} {}", session.amount, session.currency),
                asked: format!("{} {}", request.amount_minor, request.currency),
            }));
        }
    }
    if token.card.behaviour == Behaviour::ServerError {
        return Err(Fault::Simulated);
    }
    let (mut authorisation, happened) =
        Authorisation::decide(request, token.card, tx.now, &tx.config.timings);
    record::record(tx, &mut authorisation, &happened, Some(idempotency_key))?;
    tokens::use_up(tx, &token, &authorisation.id)?;
    Ok(Ok((record::view(tx, &authorisation), token.card.behaviour)))
}

/// Records the shopper's answer to a challenge, if it still waits for one, and gives the authorisation afterwards.
pub(crate) fn answer_challenge(
    tx: &Tx<'_>,
    id: &str,
    approved: bool,
) -> Result<Option<Authorisation>, Fault> {
    let Some(mut authorisation) = record::find(tx, id)? else { return Ok(None) };
    if let Some(happened) = authorisation.answer_challenge(approved, tx.now, &tx.config.timings) {
        record::record(tx, &mut authorisation, &happened, None)?;
    }
    Ok(Some(authorisation))
}
