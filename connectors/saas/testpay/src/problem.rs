//! Problem details (RFC 9457) as answers.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    api::{FieldError, Problem},
    authorisation::Refusal,
    ledger::Fault,
};

impl Problem {
    pub(crate) fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        Self {
            kind: "about:blank".into(),
            title: title.unwrap_or("Error").into(),
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let detail = format!("Put right: {}.", fields.join(", "));
        Self { errors, ..Self::new(422, "VALIDATION_FAILED", detail) }
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::invalid(errors)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status(), refusal.code(), refusal.to_string())
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Simulated => {
                Self::new(500, "SIMULATED_ERROR", "A test card asked for this error. Nothing was done.")
            }
            fault => {
                tracing::error!(%fault, "a call failed");
                Self::new(500, "INTERNAL_ERROR", "The provider failed; whether the call was done is unknown.")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
