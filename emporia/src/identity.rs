//! Who asks, where and in which words: from the request's headers, once.

use crate::{client, platform::Platform};
use async_trait::async_trait;
use emporia_contracts::{
    GuestKey, Principal, RequestContext,
    channels::{Channel, ChannelFacts, PriceKind, RoundingPlace, RoundingPolicy},
    values::Locale,
};
use emporia_customers::{API_KEY_PREFIX, IdentifyError};
use emporia_gateway::{AuthMode, Caller, ErrorCode, GatewayError, Identify};
use http::{HeaderMap, header};
use std::{net::IpAddr, sync::Arc};

/// Reads identity, channel and language from headers (or from the payload of `connection_init`).
pub struct HeaderIdentity(pub Platform);

/// Headers that say who asks, where and how.
pub(crate) const CHANNEL: &str = "emporia-channel";
pub(crate) const GUEST: &str = "emporia-guest";
const REQUEST_ID: &str = "x-request-id";

/// A value from the headers, or from the connection's parameters.
pub(crate) fn value<'a>(
    headers: &'a HeaderMap,
    params: Option<&'a serde_json::Value>,
    name: &str,
) -> Option<&'a str> {
    let header = headers.get(name).and_then(|v| v.to_str().ok());
    header.or_else(|| params?.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.as_str())
}

/// The guest's token, if one is shown.
pub(crate) fn guest(
    headers: &HeaderMap,
    params: Option<&serde_json::Value>,
) -> Result<Option<GuestKey>, GatewayError> {
    match value(headers, params, GUEST) {
        Some(token) if !(20..=200).contains(&token.len()) => Err(GatewayError::new(
            ErrorCode::BadUserInput,
            format!("header {GUEST}: this is not a guest token"),
        )),
        token => Ok(token.map(GuestKey::of)),
    }
}

/// The request's name that the client or a proxy gave, if it can be one.
pub(crate) fn correlation<'a>(
    headers: &'a HeaderMap,
    params: Option<&'a serde_json::Value>,
) -> Option<&'a str> {
    value(headers, params, REQUEST_ID)
        .filter(|id| (1..=100).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()))
}

/// Whose requests are counted together, for limits of rates.
pub(crate) fn key(principal: &Principal) -> Option<Arc<str>> {
    match principal {
        Principal::Customer(id) => Some(format!("customer/{id}").into()),
        Principal::Operator { id, .. } => Some(format!("operator/{id}").into()),
        Principal::Service { id, .. } => Some(format!("service/{id}").into()),
        Principal::Anonymous | Principal::System(_) => None,
    }
}

/// With what kind of credential somebody asks.
pub(crate) fn mode(principal: &Principal) -> Option<AuthMode> {
    match principal {
        Principal::Customer(_) | Principal::Operator { .. } => Some(AuthMode::Session),
        Principal::Service { .. } => Some(AuthMode::ApiKey),
        Principal::Anonymous | Principal::System(_) => None,
    }
}

impl HeaderIdentity {
    pub(crate) async fn principal(&self, authorization: Option<&str>) -> Result<Principal, GatewayError> {
        let Some(authorization) = authorization else { return Ok(Principal::Anonymous) };
        let bearer =
            authorization.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = bearer else {
            return Err(GatewayError::unauthenticated(
                "the Authorization header has the form: Bearer <access token or API key>",
            ));
        };
        let (customers, token) = (&self.0.customers, token.trim());
        let identified = if token.starts_with(API_KEY_PREFIX) {
            customers.identify_api_key(token).await
        } else {
            customers.identify(token)
        };
        identified.map_err(|error| match error {
            IdentifyError::Unavailable(_) => {
                tracing::warn!(%error, "an API key cannot be looked up");
                let message = "who asks cannot be looked up now: try again in a moment";
                GatewayError::new(ErrorCode::SubgraphUnavailable, message)
            }
            error => GatewayError::unauthenticated(error.to_string()),
        })
    }

    pub(crate) fn channel(&self, key: Option<&str>) -> Result<Channel, GatewayError> {
        let bad = |message: String| GatewayError::new(ErrorCode::BadUserInput, message);
        let Some(text) = key else {
            // Before the first channel is defined, only operators have something to do: they define it.
            return match self.0.channels.list().into_iter().next() {
                Some(first) => Ok(first),
                None => no_channel().map_err(bad),
            };
        };
        let key = text.parse().map_err(|e| bad(format!("header {CHANNEL}: {e}")))?;
        let known =
            || self.0.channels.list().iter().map(|c| c.key.to_string()).collect::<Vec<_>>().join(", ");
        self.0
            .channels
            .get(&key)
            .ok_or_else(|| bad(format!("there is no channel \"{key}\"; there are: {}", known())))
    }
}

/// What stands for the channel while there is none: nothing is sold in it.
fn no_channel() -> Result<Channel, String> {
    fn parsed<T: std::str::FromStr<Err = E>, E: std::fmt::Display>(text: &str) -> Result<T, String> {
        text.parse().map_err(|e: E| e.to_string())
    }
    let english: Locale = parsed("en")?;
    Ok(Arc::new(ChannelFacts {
        key: parsed("none")?,
        name: "No channel yet".into(),
        currency: parsed("EUR")?,
        price_kind: PriceKind::Gross,
        default_locale: english.clone(),
        locales: vec![english],
        countries: vec![],
        rounding: RoundingPolicy { mode: emporia_money::Rounding::HalfEven, place: RoundingPlace::Line },
        stock_pool: vec![],
        order_prefix: "NONE".into(),
        time_zone: "UTC".into(),
    }))
}

/// The best of the channel's languages that the client accepts, by its order and weights (RFC 9110, 12.5.4).
pub(crate) fn locale(channel: &Channel, accepted: Option<&str>) -> Locale {
    let mut wanted: Vec<(&str, f32)> = accepted
        .unwrap_or_default()
        .split(',')
        .take(20)
        .filter_map(|part| {
            let (tag, weight) = part.split_once(";q=").unwrap_or((part, "1"));
            Some((tag.trim(), weight.trim().parse::<f32>().ok().filter(|q| *q > 0.0)?))
        })
        .collect();
    wanted.sort_by(|a, b| b.1.total_cmp(&a.1));
    let offered = |tag: &str| channel.locales.iter().find(|l| l.as_str().eq_ignore_ascii_case(tag)).cloned();
    let language = |tag: &str| tag.split('-').next().and_then(offered);
    wanted
        .iter()
        .find_map(|(tag, _)| offered(tag).or_else(|| language(tag)))
        .unwrap_or_else(|| channel.default_locale.clone())
}

#[async_trait]
impl Identify for HeaderIdentity {
    async fn identify(
        &self,
        headers: &HeaderMap,
        params: Option<&serde_json::Value>,
    ) -> Result<Caller, GatewayError> {
        let principal = self.principal(value(headers, params, header::AUTHORIZATION.as_str())).await?;
        let guest = guest(headers, params)?;
        let channel = self.channel(value(headers, params, CHANNEL))?;
        let locale = locale(&channel, value(headers, params, header::ACCEPT_LANGUAGE.as_str()));
        let correlation_id = correlation(headers, params)
            .map_or_else(|| self.0.ids.next_uuid().to_string(), ToOwned::to_owned);
        let scopes = principal.admitted();
        let authenticated = !matches!(principal, Principal::Anonymous);
        let (key, mode) = (key(&principal), mode(&principal));
        // Staff sees what is not published, and what it has just changed.
        let shared = match &principal {
            Principal::Anonymous | Principal::Customer(_) => Some(format!("{}/{locale}", channel.key).into()),
            _ => None,
        };
        let client = client::noted(headers);
        let context = RequestContext { principal, guest, channel, locale, correlation_id, client };
        let data = Arc::new(context);
        Ok(Caller { authenticated, scopes, mode, data, shared, key, ..Caller::anonymous() })
    }

    fn address(&self, headers: &HeaderMap, _: Option<IpAddr>) -> Option<IpAddr> {
        client::noted(headers)
    }

    fn headers(&self) -> &'static [&'static str] {
        &["authorization", CHANNEL, GUEST, "accept-language"]
    }
}
