//! Which pages of other origins may ask (the CORS protocol of the Fetch standard).

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::REQUEST_ID;
use crate::config::CorsConfig;

/// An origin that is none, or settings that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorsError {
    /// Not of the form `https://shop.example`.
    #[error(
        "cors.allowed_origins: \"{0}\" is no origin; one looks like https://shop.example:8443, without a path"
    )]
    Origin(String),
    /// A browser refuses credentials for everybody.
    #[error("cors: credentials need the origins by name; \"*\" is everybody")]
    Everybody,
}

/// What is checked once, before the server starts.
pub(crate) fn check(config: &CorsConfig) -> Result<(), CorsError> {
    for origin in &config.allowed_origins {
        if origin == "*" {
            if config.credentials {
                return Err(CorsError::Everybody);
            }
            continue;
        }
        let host = ["https://", "http://"].iter().find_map(|scheme| origin.strip_prefix(scheme));
        let fits = |host: &str| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
        };
        if !host.is_some_and(fits) {
            return Err(CorsError::Origin(origin.clone()));
        }
    }
    Ok(())
}

/// The layer, where any page of another origin may ask.
pub(super) fn layer(config: &CorsConfig) -> Option<CorsLayer> {
    if config.allowed_origins.is_empty() {
        return None;
    }
    let everybody = config.allowed_origins.iter().any(|origin| origin == "*");
    let named = config.allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let origins = if everybody { AllowOrigin::any() } else { AllowOrigin::list(named) };
    Some(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_credentials(config.credentials)
            .allow_methods([Method::GET, Method::POST])
            // Which headers mean something is decided where they are read.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([
                REQUEST_ID,
                header::RETRY_AFTER,
                header::ETAG,
                header::AGE,
                HeaderName::from_static("traceresponse"),
            ])
            .max_age(config.max_age),
    )
}
