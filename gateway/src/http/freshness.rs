//! What caches between us and the client are told (RFC 9111), and answers that the client has already.

use axum::body::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};

use crate::cache::Kept;

/// Headers that decide about the form of an answer, beside those that decide who asks.
const FORM: &str = "accept, accept-encoding";

/// Whether the client has this answer already, as far as it says. Only a GET can be answered like that.
pub(super) fn is_known(method: &Method, headers: &HeaderMap, kept: &Kept) -> bool {
    let named = |value: &HeaderValue| {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        value.to_str().is_ok_and(|tags| {
            tags.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == opaque(kept.etag()))
        })
    };
    method == Method::GET && headers.get_all(header::IF_NONE_MATCH).iter().any(named)
}

/// Tells how long the answer may be used again; without `kept` not at all.
pub(super) fn tell(headers: &mut HeaderMap, kept: Option<&Kept>, asked_by: &'static [&'static str]) {
    let Some(kept) = kept else {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return;
    };
    let control = format!("public, max-age={}", kept.max_age().as_secs());
    let vary = asked_by.iter().fold(FORM.to_owned(), |vary, name| format!("{vary}, {name}"));
    // Digits, hex digits and names of headers: all of it can stand in a header.
    for (name, value) in
        [(header::CACHE_CONTROL, &*control), (header::ETAG, kept.etag()), (header::VARY, &*vary)]
    {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::AGE, kept.age().as_secs().into());
}

/// The body in the form that the client takes: compressed once for all, not once for each.
pub(super) fn body(asked: &HeaderMap, headers: &mut HeaderMap, kept: &Kept) -> Bytes {
    if let Some(compressed) = takes_gzip(asked).then(|| kept.gzip()).flatten() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        return compressed;
    }
    kept.body().clone()
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).any(|entry| {
        let (coding, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|q| q > 0.0)
    })
}
