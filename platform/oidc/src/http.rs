//! Requests to an issuer.

use crate::error::{OidcError, SetupError};
use reqwest::{RequestBuilder, StatusCode};
use std::time::Duration;
use url::{Host, Url};

/// How long a connection may take, and how long all of a call.
const CONNECT: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(10);
/// How much an issuer may say, in bytes.
const LONGEST: usize = 256 * 1024;

/// A client that follows no redirects: they could lead to places that only we can reach.
pub(crate) fn client() -> Result<reqwest::Client, SetupError> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| SetupError::Http(error.to_string()))
}

/// An address from the configuration: HTTPS, or this machine.
pub(crate) fn configured(setting: &'static str, text: &str) -> Result<Url, SetupError> {
    let wrong = || SetupError::Address { setting, got: text.to_owned() };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_local(&url));
    if secure && url.host().is_some() && url.username().is_empty() { Ok(url) } else { Err(wrong()) }
}

/// Whether an issuer may send us to this address: to its own host, or to a host with a public name over HTTPS. What else
/// it names could be a service that trusts whoever reaches it, such as the metadata of a cloud.
pub(crate) fn may_lead(issuer: &Url, to: &Url) -> bool {
    let same = issuer.host() == to.host() && issuer.scheme() == to.scheme();
    same || (to.scheme() == "https" && matches!(to.host(), Some(Host::Domain(_))) && !is_local(to))
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Status and body of the answer.
pub(crate) async fn answer(
    what: &'static str,
    request: RequestBuilder,
) -> Result<(StatusCode, Vec<u8>), OidcError> {
    // Without the address, which may hold a code.
    let failed = |error: reqwest::Error| OidcError::unavailable(what, chain(&error.without_url()));
    let mut answer = request.send().await.map_err(failed)?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        if body.len() + part.len() > LONGEST {
            return Err(OidcError::unavailable(what, "the answer is too long"));
        }
        body.extend_from_slice(&part);
    }
    Ok((answer.status(), body))
}

/// The JSON of an answer that has to be a good one.
pub(crate) async fn json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    request: RequestBuilder,
) -> Result<T, OidcError> {
    let (status, body) = answer(what, request).await?;
    if !status.is_success() {
        return Err(OidcError::unavailable(what, format!("the answer is {status}")));
    }
    read(what, &body)
}

/// JSON, whose text is in no error: it may hold tokens.
pub(crate) fn read<T: serde::de::DeserializeOwned>(what: &'static str, body: &[u8]) -> Result<T, OidcError> {
    serde_json::from_slice(body).map_err(|error| {
        let why = format!(
            "the answer is not what it should be, at line {}, column {}",
            error.line(),
            error.column()
        );
        OidcError::unavailable(what, why)
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_leads_to_public_names_over_https_or_to_itself() {
        let leads = |issuer: &str, to: &str| may_lead(&Url::parse(issuer).unwrap(), &Url::parse(to).unwrap());
        let public = "https://login.example.com";
        assert!(leads(public, "https://keys.example.org/jwks"));
        assert!(leads("https://10.0.0.7:8443/realm", "https://10.0.0.7:8443/keys"));
        assert!(leads("http://127.0.0.1:4000", "http://127.0.0.1:4001/keys"));
        for to in [
            "http://login.example.com/keys",
            "http://169.254.169.254/latest",
            "https://169.254.169.254/latest",
            "https://[::1]/keys",
            "https://localhost/keys",
            "file:///etc/passwd",
        ] {
            assert!(!leads(public, to), "{to}");
        }
    }

    #[test]
    fn only_this_machine_is_configured_without_tls() {
        assert!(configured("issuer", "https://login.example.com/realm").is_ok());
        assert!(configured("issuer", "http://localhost:4000").is_ok());
        for text in ["http://login.example.com", "login.example.com", "https://user@example.com", "ftp://a.b"]
        {
            assert!(configured("issuer", text).is_err(), "{text}");
        }
    }
}
