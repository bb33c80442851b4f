//! Single-use tokens that stand for a card.
//!
//! The ledger knows a token by its SHA-256 only, so a copy of the file does not authorise anything.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::{
    api,
    authorisation::Refusal,
    cards::TestCard,
    ids,
    ledger::{Fault, Tx, from_millis, later},
};

/// A token that may be used.
pub(crate) struct Usable {
    digest: [u8; 32],
    pub(crate) card: &'static TestCard,
    /// The session on whose page it was made.
    pub(crate) session: Option<String>,
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

pub(crate) fn create(
    tx: &Tx<'_>,
    card: &'static TestCard,
    session: Option<&str>,
) -> Result<api::Token, Fault> {
    let token = ids::new("tok");
    let expires = later(tx.now, tx.config.timings.session_validity);
    tx.db
        .prepare_cached("INSERT INTO tokens (digest, card, session, expires_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![digest(&token), card.name, session, expires.as_millisecond()])?;
    Ok(api::Token { token, brand: card.brand.into(), last4: card.last4().into(), expires })
}

/// Whether a token may be used now. It is not used up by asking.
pub(crate) fn find(tx: &Tx<'_>, token: &str) -> Result<Result<Usable, Refusal>, Fault> {
    let digest = digest(token);
    let mut query = tx.db.prepare_cached(
        "SELECT card, session, expires_at, used_by IS NOT NULL FROM tokens WHERE digest = ?1",
    )?;
    let row: Option<(String, Option<String>, i64, bool)> = query
        .query_row([digest], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((card, session, expires, used)) = row else { return Ok(Err(Refusal::TokenUnknown)) };
    let card = TestCard::named(&card).ok_or_else(|| Fault::Corrupt(format!("no test card {card}")))?;
    let expires: Timestamp = from_millis(expires)?;
    Ok(match (used, expires <= tx.now) {
        (true, _) => Err(Refusal::TokenUsed),
        (false, true) => Err(Refusal::TokenExpired),
        (false, false) => Ok(Usable { digest, card, session }),
    })
}

/// Uses a token up.
pub(crate) fn use_up(tx: &Tx<'_>, token: &Usable, authorisation: &str) -> Result<(), Fault> {
    tx.db
        .prepare_cached("UPDATE tokens SET used_by = ?2 WHERE digest = ?1")?
        .execute(params![token.digest, authorisation])?;
    Ok(())
}
