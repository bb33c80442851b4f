//! Reading requests strictly, with problem details instead of plain-text rejections.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, header, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::api::{FieldError, Problem};

/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(10);

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let media_type = content_type.split(';').next().unwrap_or("").trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                415,
                "UNSUPPORTED_MEDIA_TYPE",
                "Send JSON with `Content-Type: application/json`.",
            ));
        }
        let body = tokio::time::timeout(BODY_TIME, Bytes::from_request(request, state))
            .await
            .map_err(|_| Problem::new(408, "REQUEST_TIMEOUT", "The body came too slowly. Nothing was done."))?
            .map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    Problem::new(413, "BODY_TOO_LARGE", "The body is larger than 64 KiB.")
                }
                _ => Problem::new(400, "BAD_REQUEST", "The body could not be read."),
            })?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            Problem::new(
                400,
                "BAD_JSON",
                format!("The body is not as documented: {}.", without_digits(&error)),
            )
        })
    }
}

/// The parser's message without long runs of digits: it quotes values, and a value may be a card number.
fn without_digits(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let mut clean = String::with_capacity(message.len());
    let mut rest = message.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, tail) = rest.split_at(start);
        let end = tail.find(|c: char| !c.is_ascii_digit() && !matches!(c, ' ' | '-')).unwrap_or(tail.len());
        let (digits, after) = tail.split_at(end);
        clean.push_str(before);
        clean.push_str(if digits.len() > 6 { "…" } else { digits });
        rest = after;
    }
    clean + rest
}

/// The required `Idempotency-Key`.
pub(super) struct IdempotencyKey(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut keys = parts.headers.get_all("idempotency-key").iter();
        let key = keys.next().and_then(|key| key.to_str().ok()).unwrap_or("").trim();
        if key.is_empty() || key.len() > 255 || keys.next().is_some() {
            return Err(Problem::new(
                400,
                "IDEMPOTENCY_KEY_REQUIRED",
                "Send one `Idempotency-Key` header of 1 to 255 visible ASCII characters: the same key for the same \
                 call, also when it is sent again.",
            ));
        }
        Ok(Self(key.to_owned()))
    }
}

/// A place in a listing.
pub(super) struct Cursor {
    pub(super) after: i64,
    pub(super) limit: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CursorQuery {
    cursor: Option<String>,
    limit: Option<i64>,
}

impl<S: Send + Sync> FromRequestParts<S> for Cursor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(query) = Query::<CursorQuery>::from_request_parts(parts, state).await?;
        let limit = query.limit.unwrap_or(100);
        let after = query.cursor.map_or(Ok(0), |cursor| cursor.parse());
        match after {
            Ok(after) if (1..=1000).contains(&limit) && after >= 0 => Ok(Self { after, limit }),
            Ok(after) if after >= 0 => {
                Err(Problem::invalid(vec![FieldError::new("limit", "The limit is 1 to 1000.")]))
            }
            _ => Err(Problem::invalid(vec![FieldError::new(
                "cursor",
                "Take the cursor from `nextCursor` of the page before.",
            )])),
        }
    }
}

/// A query string.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| Problem::new(400, "BAD_QUERY", rejection.body_text()))
    }
}

/// The one parameter of a path.
pub(super) struct Path(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Path {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(parameter)| Self(parameter))
            .map_err(|_| Problem::new(404, "NOT_FOUND", "There is nothing at this address."))
    }
}
