//! What the server and the network report, in the words of the port.

use deadpool_postgres::PoolError;
use emporia_store::StoreError;
use std::error::Error as _;
use tokio_postgres::{Error, error::SqlState};

/// Translates errors; `place` is the server and database.
pub(crate) fn fault(error: &Error, place: &str) -> StoreError {
    if let Some(refused) = refused_certificate(error) {
        return StoreError::Unusable {
            what: place.to_owned(),
            reason: format!(
                "its certificate is refused: {refused}; sslrootcert= names a file with who may vouch for it"
            ),
        };
    }
    let Some(code) = error.code() else {
        let detail = format!("{place}: {}", chain(error));
        // A value that is not of its column's type: not what we wrote.
        let wrong = !is_cut(error) && error.to_string().starts_with("error deserializing");
        return if wrong { StoreError::Corrupt { detail } } else { StoreError::Unavailable { detail } };
    };
    let message = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
    let detail = format!("{place}: {message} ({})", code.code());
    let what = || place.to_owned();
    if *code == SqlState::DISK_FULL {
        StoreError::Full { detail }
    } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        StoreError::ReadOnly { detail }
    } else if matches!(code.code().get(..2), Some("XX")) && code.code() != "XX000" {
        StoreError::Corrupt { detail }
    } else if REFUSALS.iter().any(|class| code.code().starts_with(class)) {
        StoreError::Unusable { what: what(), reason: format!("{message} ({})", code.code()) }
    } else {
        StoreError::Unavailable { detail }
    }
}

/// Codes after which trying again is of no use: who we are, which database, what we may do, what is there already.
const REFUSALS: [&str; 5] = ["28", "3D", "3F", "42501", "42P"];

/// Translates errors of the pool.
pub(crate) fn pool_fault(error: &PoolError, place: &str) -> StoreError {
    match error {
        PoolError::Backend(error) => fault(error, place),
        PoolError::Closed => StoreError::Closed,
        PoolError::Timeout(_) => {
            StoreError::Unavailable { detail: format!("{place}: no connection became free in time") }
        }
        other => StoreError::Unavailable { detail: format!("{place}: {other}") },
    }
}

/// Whether the connection is gone, or the server about to end it: another connection may do better.
pub(crate) fn is_cut(error: &Error) -> bool {
    if error.is_closed() {
        return true;
    }
    match error.code() {
        Some(code) => {
            matches!(code.code(), "57P01" | "57P02" | "57P03" | "57P05" | "25P03")
                || code.code().starts_with("08")
        }
        // Without a code it is the network, unless it is about a value.
        None => error.source().is_some_and(|source| source.is::<std::io::Error>()),
    }
}

/// Why the server's certificate was not taken, if that is what failed.
fn refused_certificate(error: &Error) -> Option<&rustls::CertificateError> {
    let handshake = error.source()?.downcast_ref::<std::io::Error>()?;
    match handshake.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(refused) => Some(refused),
        _ => None,
    }
}

fn chain(error: &Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Why a piece of the writer's work failed.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) error: StoreError,
    /// Whether another connection may do better.
    pub(crate) cut: bool,
}

impl Broken {
    pub(crate) fn of(error: &Error, place: &str) -> Self {
        Self { error: fault(error, place), cut: is_cut(error) }
    }
}
