//! Calls that need no key.

use axum::{extract::State, http::StatusCode};

use super::{App, extract::Json};
use crate::{
    api::{CardDetails, Problem, Token},
    cards, tokens,
};

/// What a client-side library would call, so that card numbers never pass through the merchant's server.
pub(super) async fn create_token(
    State(app): State<App>,
    Json(card): Json<CardDetails>,
) -> Result<(StatusCode, axum::Json<Token>), Problem> {
    let card = cards::check(&card, app.config.now()).map_err(Problem::invalid)?;
    let token = app.ledger.call(move |tx| tokens::create(tx, card, None)).await?;
    Ok((StatusCode::CREATED, axum::Json(token)))
}

/// Alive, and the ledger answers.
pub(super) async fn healthz(State(app): State<App>) -> Result<axum::Json<serde_json::Value>, Problem> {
    app.ledger.call(|tx| Ok(tx.db.query_row("SELECT 1", [], |_| Ok(()))?)).await?;
    Ok(axum::Json(serde_json::json!({ "status": "ok" })))
}
