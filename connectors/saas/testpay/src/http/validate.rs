//! Checks of what merchants send. All that is wrong is told at once, by field.

use crate::{
    api::{AuthorisationRequest, DisputeRequest, FieldError, SessionRequest},
    config::web_address,
};

/// 10 billion of a currency with two decimals; sums stay far from the limits of an `i64`.
const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// Nothing, or all that is wrong.
type Checked = Result<(), Vec<FieldError>>;

pub(super) fn session(request: &SessionRequest) -> Checked {
    finish([
        amount(request.amount_minor),
        currency(&request.currency),
        reference("reference", &request.reference),
        return_url(request.return_url.as_deref()),
    ])
}

pub(super) fn authorisation(request: &AuthorisationRequest) -> Checked {
    finish([
        token(&request.token),
        amount(request.amount_minor),
        currency(&request.currency),
        reference("reference", &request.reference),
        return_url(request.return_url.as_deref()),
    ])
}

pub(super) fn amount_only(minor: i64) -> Checked {
    finish([amount(minor)])
}

pub(super) fn dispute(request: &DisputeRequest) -> Checked {
    finish([
        request.amount_minor.and_then(amount),
        request.reason.as_deref().and_then(|reason| reference("reason", reason)),
    ])
}

pub(super) fn reference_only(text: &str) -> Checked {
    finish([reference("reference", text)])
}

fn finish<const N: usize>(checks: [Option<FieldError>; N]) -> Checked {
    let errors: Vec<FieldError> = checks.into_iter().flatten().collect();
    match errors.is_empty() {
        true => Ok(()),
        false => Err(errors),
    }
}

fn amount(minor: i64) -> Option<FieldError> {
    (!(1..=MAX_AMOUNT).contains(&minor))
        .then(|| FieldError::new("amountMinor", format!("An amount in minor units is 1 to {MAX_AMOUNT}.")))
}

fn currency(code: &str) -> Option<FieldError> {
    let good = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    (!good).then(|| FieldError::new("currency", "A currency is an ISO 4217 code such as EUR."))
}

fn reference(field: &str, text: &str) -> Option<FieldError> {
    let good = (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    (!good).then(|| FieldError::new(field, "1 to 128 characters, no control characters."))
}

fn token(token: &str) -> Option<FieldError> {
    let good = token.starts_with("tok_") && token.len() <= 64;
    (!good).then(|| {
        FieldError::new(
            "token",
            "A token starts with tok_ and comes from the hosted page or POST /v1/tokens.",
        )
    })
}

fn return_url(url: Option<&str>) -> Option<FieldError> {
    let problem = web_address(url?).err()?;
    Some(FieldError::new("returnUrl", format!("This address cannot be returned to: {problem}.")))
}
