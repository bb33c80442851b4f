//! The merchant's calls.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    App,
    extract::{Cursor, IdempotencyKey, Json, Path, Query},
    json, validate,
};
use crate::{
    api::{
        AmountRequest, Authorisation, AuthorisationRequest, Delivery, DisputeRequest, FaultsRequest,
        LedgerEntry, Page, Problem, Session, SessionRequest,
    },
    authorisation::{self, Happened, Refusal},
    authorise,
    cards::Behaviour,
    config::Timings,
    entries,
    idempotency::{self, Answer},
    ledger::Tx,
    movements, queue, record, sessions,
};

type Result<T> = std::result::Result<T, Problem>;

pub(super) async fn create_session(
    State(app): State<App>,
    Json(request): Json<SessionRequest>,
) -> Result<(StatusCode, axum::Json<Session>)> {
    validate::session(&request)?;
    let session = app.ledger.call(move |tx| sessions::create(tx, &request)).await?;
    Ok((StatusCode::CREATED, axum::Json(session)))
}

pub(super) async fn authorise(
    State(app): State<App>,
    IdempotencyKey(key): IdempotencyKey,
    Json(request): Json<AuthorisationRequest>,
) -> Result<Response> {
    validate::authorisation(&request)?;
    let (answer, delay) = app
        .ledger
        .call(move |tx| {
            let mut delay = Duration::ZERO;
            let input = request.clone();
            let answer = idempotency::once(tx, &key, "authorise", &input, || {
                let decided = authorise::authorise(tx, request, &key)?;
                Ok(decided.map(|(authorisation, behaviour)| {
                    delay = answer_delay(behaviour, &tx.config.timings);
                    authorisation
                }))
            })?;
            Ok((answer, delay))
        })
        .await?;
    // The work is committed: only the answer is late. Asking again with the same key is answered at once.
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    Ok(answer.into_response())
}

fn answer_delay(behaviour: Behaviour, timings: &Timings) -> Duration {
    match behaviour {
        Behaviour::Timeout => timings.timeout,
        Behaviour::Slow => timings.slow,
        _ => Duration::ZERO,
    }
}

pub(super) async fn authorisation(
    State(app): State<App>,
    Path(id): Path,
) -> Result<axum::Json<Authorisation>> {
    let found =
        app.ledger.call(move |tx| Ok(record::find(tx, &id)?.map(|found| record::view(tx, &found)))).await?;
    found.map(axum::Json).ok_or_else(|| Refusal::AuthorisationUnknown.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByReference {
    reference: String,
}

pub(super) async fn find_authorisations(
    State(app): State<App>,
    Query(ByReference { reference }): Query<ByReference>,
) -> Result<axum::Json<Page<Authorisation>>> {
    validate::reference_only(&reference)?;
    let items = app
        .ledger
        .call(move |tx| {
            let found = record::find_by_reference(tx, &reference)?;
            Ok(found.iter().map(|found| record::view(tx, found)).collect())
        })
        .await?;
    Ok(axum::Json(Page { items, next_cursor: None }))
}

pub(super) async fn capture(
    State(app): State<App>,
    Path(id): Path,
    IdempotencyKey(key): IdempotencyKey,
    Json(request): Json<AmountRequest>,
) -> Result<Response> {
    validate::amount_only(request.amount_minor)?;
    let amount = request.amount_minor;
    move_money(app, "capture", id, key, request, move |it, tx| it.capture(amount, tx.now)).await
}

pub(super) async fn void(
    State(app): State<App>,
    Path(id): Path,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Response> {
    move_money(app, "void", id, key, (), |it, tx| it.void(tx.now)).await
}

pub(super) async fn refund(
    State(app): State<App>,
    Path(id): Path,
    IdempotencyKey(key): IdempotencyKey,
    Json(request): Json<AmountRequest>,
) -> Result<Response> {
    validate::amount_only(request.amount_minor)?;
    let amount = request.amount_minor;
    move_money(app, "refund", id, key, request, move |it, _| it.refund(amount)).await
}

pub(super) async fn dispute(
    State(app): State<App>,
    Path(id): Path,
    IdempotencyKey(key): IdempotencyKey,
    Json(request): Json<DisputeRequest>,
) -> Result<Response> {
    validate::dispute(&request)?;
    let DisputeRequest { amount_minor, reason } = request.clone();
    move_money(app, "dispute", id, key, request, move |it, _| it.dispute(amount_minor, reason)).await
}

async fn move_money<I, F>(
    app: App,
    operation: &'static str,
    id: String,
    key: String,
    input: I,
    decide: F,
) -> Result<Response>
where
    I: Serialize + Send + 'static,
    F: FnOnce(&mut authorisation::Authorisation, &Tx<'_>) -> std::result::Result<Happened, Refusal>
        + Send
        + 'static,
{
    let answer = app
        .ledger
        .call(move |tx| {
            idempotency::once(tx, &key, operation, &(&id, input), || {
                movements::apply(tx, &id, &key, |authorisation| decide(authorisation, tx))
            })
        })
        .await?;
    Ok(answer.into_response())
}

pub(super) async fn ledger(State(app): State<App>, cursor: Cursor) -> Result<axum::Json<Page<LedgerEntry>>> {
    let Cursor { after, limit } = cursor;
    let items = app.ledger.call(move |tx| entries::list(tx, after, limit)).await?;
    Ok(axum::Json(page(items, limit, |entry| entry.sequence)))
}

pub(super) async fn deliveries(State(app): State<App>, cursor: Cursor) -> Result<axum::Json<Page<Delivery>>> {
    let Cursor { after, limit } = cursor;
    let items = app.ledger.call(move |tx| queue::list(tx, after, limit)).await?;
    Ok(axum::Json(page(items, limit, |delivery| delivery.sequence)))
}

/// A full page may have more behind it.
fn page<T>(items: Vec<T>, limit: i64, sequence: impl Fn(&T) -> i64) -> Page<T> {
    let full = i64::try_from(items.len()).is_ok_and(|count| count >= limit);
    let next_cursor = items.last().filter(|_| full).map(|last| sequence(last).to_string());
    Page { items, next_cursor }
}

pub(super) async fn set_faults(State(app): State<App>, Json(request): Json<FaultsRequest>) -> StatusCode {
    app.faults.set(request);
    StatusCode::NO_CONTENT
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, self.body);
        if self.replayed {
            response
                .headers_mut()
                .insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
        }
        response
    }
}
