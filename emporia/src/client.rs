//! The network address of whoever asks: the connection's, or what a proxy that is trusted says it is.

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Carries the address from the connection to whoever reads the headers. What a client sends under this name is removed.
const CLIENT: HeaderName = HeaderName::from_static("emporia-client-address");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Arc<[IpNet]>);

impl Proxies {
    /// Those in these networks.
    pub fn trusted(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Who asks through `peer`. Each proxy appends who asked it, so the list is read from its end, as long as a trusted
    /// proxy says so; what stands further left may be anybody's invention.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all(FORWARDED_FOR);
        let lines: Vec<&str> = lines.iter().filter_map(|line| line.to_str().ok()).collect();
        let mut said = lines.iter().flat_map(|line| line.split(',')).rev().map(str::trim);
        let mut client = peer.to_canonical();
        while self.0.iter().any(|network| network.contains(&client)) {
            let Some(Ok(next)) = said.next().map(str::parse::<IpAddr>) else { break };
            client = next.to_canonical();
        }
        client
    }
}

/// Notes the address in the request's headers, for [`noted`].
pub async fn note(State(proxies): State<Proxies>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let client = peer.map(|peer| proxies.client(peer, request.headers()));
    let headers = request.headers_mut();
    headers.remove(CLIENT);
    if let Some(value) = client.and_then(|c| HeaderValue::from_str(&c.to_string()).ok()) {
        headers.insert(CLIENT, value);
    }
    next.run(request).await
}

/// The address that [`note`] noted.
pub fn noted(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get(CLIENT)?.to_str().ok()?.parse().ok()
}
