//! The pages shoppers see: the hosted card page and the 3-D Secure challenge. They work without JavaScript.

mod card_form;
mod challenge;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

pub(crate) use self::{
    card_form::{show_card_form, submit_card_form},
    challenge::{show_challenge, submit_challenge},
};
use crate::{
    api::Problem,
    cards::{TEST_CARDS, TestCard},
    config::web_address,
    http::App,
};

/// A page with a few sentences and nothing to do.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    merchant: &'a str,
    title: &'a str,
    text: &'a str,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'a> {
    merchant: &'a str,
    cards: &'static [TestCard],
}

/// The page at the root: what this server is, and its test cards.
pub(crate) async fn overview(State(app): State<App>) -> Response {
    page(StatusCode::OK, &Overview { merchant: &app.config.merchant_name, cards: &TEST_CARDS }, None)
}

pub(crate) async fn stylesheet() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    (headers, include_str!("../assets/testpay.css")).into_response()
}

fn message(app: &App, status: StatusCode, title: &str, text: &str) -> Response {
    page(status, &Message { merchant: &app.config.merchant_name, title, text }, None)
}

/// A rendered page. Its form, if it has one, may lead to this server and to the origin of `return_url` only.
fn page(status: StatusCode, template: &impl Template, return_url: Option<&str>) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return Problem::new(500, "INTERNAL_ERROR", "The page could not be shown.").into_response();
        }
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, content_security_policy(return_url)),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
        ),
    ];
    (status, headers, html).into_response()
}

fn content_security_policy(return_url: Option<&str>) -> HeaderValue {
    // Browsers hold the redirect after a form to `form-action` too, so the origin we return to must be in it.
    let origin = return_url
        .and_then(|url| web_address(url).ok())
        .map(|url| format!(" {}", url.origin().ascii_serialization()))
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{origin}; base-uri 'none'; frame-ancestors 'none'"
    );
    // An origin in ASCII cannot hold what a header must not; were it otherwise, no form works.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Sends the shopper back with what the merchant needs to know.
fn back_to(return_url: &str, parameters: &[(&str, &str)]) -> Option<Response> {
    let mut url = web_address(return_url).ok()?;
    url.query_pairs_mut().extend_pairs(parameters);
    let location = HeaderValue::from_str(url.as_str()).ok()?;
    Some((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}
