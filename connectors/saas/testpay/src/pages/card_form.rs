//! The hosted card page.

use askama::Template;
use axum::{
    Form,
    extract::{
        Path, Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{back_to, message, page};
use crate::{
    amount,
    api::{CardDetails, FieldError, Problem},
    cards::{self, TEST_CARDS, TestCard},
    http::App,
    sessions::{self, Session},
    tokens,
};

#[derive(Template)]
#[template(path = "card_form.html")]
struct CardForm<'a> {
    merchant: &'a str,
    amount: String,
    session: &'a Session,
    filled: Filled,
    errors: Errors,
    cards: &'static [TestCard],
}

#[derive(Template)]
#[template(path = "token.html")]
struct TokenMade<'a> {
    merchant: &'a str,
    token: &'a str,
    brand: &'a str,
    last4: &'a str,
}

/// What stands in the fields. Only documented test cards are ever written back into a page.
#[derive(Default)]
struct Filled {
    number: String,
    expiry: String,
    cvc: String,
}

/// One message per field.
#[derive(Default)]
struct Errors {
    number: Option<String>,
    expiry: Option<String>,
    cvc: Option<String>,
}

impl Errors {
    fn any(&self) -> bool {
        self.number.is_some() || self.expiry.is_some() || self.cvc.is_some()
    }

    fn by_field(errors: Vec<FieldError>) -> Self {
        let mut fields = Self::default();
        for FieldError { field, message } in errors {
            match field.as_str() {
                "number" => fields.number = Some(message),
                "cvc" => fields.cvc = Some(message),
                _ => fields.expiry = Some(message),
            }
        }
        fields
    }
}

/// `?card=<name>` fills the form with a test card.
#[derive(Deserialize)]
pub(crate) struct Prefill {
    card: Option<String>,
}

/// What a browser sends. It has no `Debug`, so that it cannot be logged.
#[derive(Deserialize)]
pub(crate) struct Submitted {
    #[serde(default)]
    number: String,
    #[serde(default)]
    expiry: String,
    #[serde(default)]
    cvc: String,
}

pub(crate) async fn show_card_form(
    State(app): State<App>,
    Path(id): Path<String>,
    prefill: Result<Query<Prefill>, QueryRejection>,
) -> Response {
    let session = match open_session(&app, id).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let card = prefill.ok().and_then(|Query(prefill)| TestCard::named(prefill.card.as_deref()?));
    let filled = card.map(|card| example(&app, card)).unwrap_or_default();
    form(&app, StatusCode::OK, &session, filled, Errors::default())
}

pub(crate) async fn submit_card_form(
    State(app): State<App>,
    Path(id): Path<String>,
    submitted: Result<Form<Submitted>, FormRejection>,
) -> Response {
    let session = match open_session(&app, id).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let submitted = match submitted {
        Ok(Form(submitted)) => submitted,
        Err(rejection) => {
            let text = "The form could not be read. Go back and send it again.";
            return message(&app, rejection.status(), "Form not readable", text);
        }
    };
    let card = match check(&app, &submitted) {
        Ok(card) => card,
        Err(errors) => {
            // Whatever else was typed might be a real card: it is not sent back.
            let filled = TEST_CARDS
                .iter()
                .find(|card| card.digits() == submitted.number.replace([' ', '-'], ""))
                .map(|card| Filled { number: card.number.into(), ..Filled::default() })
                .unwrap_or_default();
            return form(&app, StatusCode::UNPROCESSABLE_ENTITY, &session, filled, errors);
        }
    };
    let session_id = session.id.clone();
    let token = match app.ledger.call(move |tx| tokens::create(tx, card, Some(&session_id))).await {
        Ok(token) => token,
        Err(fault) => {
            let problem = Problem::from(fault);
            let text = "The card could not be processed and nothing was charged. Try again.";
            return message(&app, StatusCode::INTERNAL_SERVER_ERROR, &problem.title, text);
        }
    };
    session
        .return_url
        .as_deref()
        .and_then(|url| back_to(url, &[("paymentToken", &token.token), ("session", &session.id)]))
        .unwrap_or_else(|| {
            let merchant = &app.config.merchant_name;
            let made =
                TokenMade { merchant, token: &token.token, brand: card.brand_name(), last4: &token.last4 };
            page(StatusCode::OK, &made, None)
        })
}

/// The session, or the page that says why there is none.
async fn open_session(app: &App, id: String) -> Result<Session, Response> {
    let found = app.ledger.call(move |tx| sessions::find(tx, &id)).await;
    match found {
        Ok(Some(session)) if app.config.now() < session.expires => Ok(session),
        Ok(Some(_)) => Err(message(
            app,
            StatusCode::GONE,
            "This payment page has expired",
            "Nothing was charged. Go back to the shop and start the payment again.",
        )),
        Ok(None) => Err(message(
            app,
            StatusCode::NOT_FOUND,
            "There is no such payment page",
            "The address is mistyped or incomplete. Go back to the shop and start the payment again.",
        )),
        Err(fault) => Err(Problem::from(fault).into_response()),
    }
}

fn form(app: &App, status: StatusCode, session: &Session, filled: Filled, errors: Errors) -> Response {
    let form = CardForm {
        merchant: &app.config.merchant_name,
        amount: amount::display(session.amount, &session.currency),
        session,
        filled,
        errors,
        cards: &TEST_CARDS,
    };
    page(status, &form, session.return_url.as_deref())
}

fn check(app: &App, submitted: &Submitted) -> Result<&'static TestCard, Errors> {
    let expiry = expiry(&submitted.expiry);
    // A date far ahead stands in for an unreadable one, so that the other fields are checked too.
    let (exp_month, exp_year) = expiry.unwrap_or((12, 0));
    let details = CardDetails {
        number: submitted.number.clone(),
        exp_month,
        exp_year,
        cvc: submitted.cvc.trim().to_owned(),
    };
    cards::check(&details, app.config.now()).map_err(|errors| {
        let mut errors = Errors::by_field(errors);
        if expiry.is_none() {
            errors.expiry = Some("Enter the expiry date as month and year, such as 04/30.".into());
        }
        errors
    })
}

/// Reads `4/30`, `04 / 30`, `0430`, `04/2030`.
fn expiry(text: &str) -> Option<(u8, u16)> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (month, year) = match text.split_once(['/', '-']) {
        Some(parts) => parts,
        None if text.is_ascii() && text.len() == 4 => text.split_at(2),
        None => return None,
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(month) || !digits(year) {
        return None;
    }
    let full_year = match year.len() {
        2 => 2000 + year.parse::<u16>().ok()?,
        4 => year.parse().ok()?,
        _ => return None,
    };
    Some((month.parse().ok()?, full_year))
}

/// A test card ready to be sent.
fn example(app: &App, card: &TestCard) -> Filled {
    let year = jiff::tz::Offset::UTC.to_datetime(app.config.now()).year();
    Filled {
        number: card.number.into(),
        expiry: format!("12/{:02}", (i32::from(year) + 3).rem_euclid(100)),
        cvc: "1234".chars().take(card.cvc_digits).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::expiry;

    #[test]
    fn reads_the_usual_ways_to_write_an_expiry_date() {
        for text in ["4/30", "04/30", "04 / 30", "0430", "04/2030", "04-30"] {
            assert_eq!(expiry(text), Some((4, 2030)), "{text}");
        }
        for text in ["", "/", "04", "4/3", "+4/30", "04/203", "a4/30", "04/30/1", "٠٤/٣٠", "ää", "999/30"]
        {
            assert_eq!(expiry(text), None, "{text}");
        }
    }
}
