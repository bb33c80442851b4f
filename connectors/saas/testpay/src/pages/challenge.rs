//! The 3-D Secure challenge, as the bank of the card would show it.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{back_to, message, page};
use crate::{
    amount,
    api::{AuthorisationStatus, Problem},
    authorisation::Authorisation,
    authorise,
    http::App,
    record,
};

#[derive(Template)]
#[template(path = "challenge.html")]
struct Challenge<'a> {
    merchant: &'a str,
    amount: String,
    reference: &'a str,
    brand: &'a str,
    last4: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Approve,
    Fail,
}

#[derive(Deserialize)]
pub(crate) struct Submitted {
    outcome: Outcome,
}

pub(crate) async fn show_challenge(State(app): State<App>, Path(id): Path<String>) -> Response {
    let found = app.ledger.call(move |tx| record::find(tx, &id)).await;
    match found {
        Ok(Some(authorisation)) if authorisation.awaits_challenge(app.config.now()) => {
            let challenge = Challenge {
                merchant: &app.config.merchant_name,
                amount: amount::display(authorisation.amount, &authorisation.currency),
                reference: &authorisation.reference,
                brand: authorisation.card.brand_name(),
                last4: authorisation.card.last4(),
            };
            page(StatusCode::OK, &challenge, authorisation.return_url.as_deref())
        }
        Ok(Some(authorisation)) => finished(&app, &authorisation),
        Ok(None) => missing(&app),
        Err(fault) => Problem::from(fault).into_response(),
    }
}

pub(crate) async fn submit_challenge(
    State(app): State<App>,
    Path(id): Path<String>,
    submitted: Result<Form<Submitted>, FormRejection>,
) -> Response {
    let approved = match submitted {
        Ok(Form(submitted)) => matches!(submitted.outcome, Outcome::Approve),
        Err(rejection) => {
            return message(
                &app,
                rejection.status(),
                "Form not readable",
                "Go back and choose one of the two buttons.",
            );
        }
    };
    let answered = app.ledger.call(move |tx| authorise::answer_challenge(tx, &id, approved)).await;
    match answered {
        // Sent twice (a double click, the back button), the first answer stands and the way back is the same.
        Ok(Some(authorisation)) => authorisation
            .return_url
            .as_deref()
            // Only who, not how it ended: the merchant asks the provider, as an address can be forged.
            .and_then(|url| back_to(url, &[("authorisation", &authorisation.id)]))
            .unwrap_or_else(|| finished(&app, &authorisation)),
        Ok(None) => missing(&app),
        Err(fault) => Problem::from(fault).into_response(),
    }
}

fn finished(app: &App, authorisation: &Authorisation) -> Response {
    let text = match authorisation.status {
        AuthorisationStatus::Authorised => "The payment is approved. Go back to the shop.",
        AuthorisationStatus::Declined => {
            "The payment was refused and nothing was charged. Go back to the shop."
        }
        AuthorisationStatus::Pending => "The bank has not answered yet. Go back to the shop.",
        AuthorisationStatus::RequiresAction | AuthorisationStatus::Expired | AuthorisationStatus::Voided => {
            "This payment is over and nothing more can be charged. Go back to the shop."
        }
    };
    message(app, StatusCode::OK, "Nothing to confirm", text)
}

fn missing(app: &App) -> Response {
    message(
        app,
        StatusCode::NOT_FOUND,
        "There is no such payment",
        "The address is mistyped or incomplete. Go back to the shop and start the payment again.",
    )
}
