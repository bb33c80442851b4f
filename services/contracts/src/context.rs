//! Who asks, where and in which words: built once per request from its headers.

use crate::{
    channels::Channel,
    ids::{ApiKeyId, CustomerId, OperatorId},
    place::Place,
    values::{ChannelKey, Locale},
};
use emporia_events::EventMeta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, net::IpAddr};

/// The hash of a guest's secret token. Whoever shows the token owns what was made with it; the token itself is never
/// stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct GuestKey(pub String);

impl GuestKey {
    /// The key of a guest token: its SHA-256 in hexadecimal. The token has 256 random bits, so a plain hash suffices.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).iter().map(|b| format!("{b:02x}")).collect())
    }
}

/// To whom a cart, checkout or order belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// A signed-in customer.
    Customer(CustomerId),
    /// Whoever shows the guest token.
    Guest(GuestKey),
}

impl Owner {
    /// What he is and which one, as keys of indexes and of idempotency have it.
    pub fn kind_and_id(&self) -> (&'static str, String) {
        match self {
            Self::Customer(id) => ("customer", id.to_string()),
            Self::Guest(key) => ("guest", key.0.clone()),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Principal {
    /// Nobody we know.
    Anonymous,
    /// A signed-in customer.
    Customer(CustomerId),
    /// An operator or associate with the scopes of his roles.
    Operator {
        /// Which one.
        id: OperatorId,
        /// What he may do everywhere (`orders:write`), and what at one place (`orders:write@channel:eu`).
        scopes: BTreeSet<String>,
    },
    /// Another system, with an API key.
    Service {
        /// Which key.
        id: ApiKeyId,
        /// What it may do.
        scopes: BTreeSet<String>,
    },
    /// A part of the system itself: a consumer, an import, a recovery task.
    System(String),
}

impl Principal {
    /// What fields may ask for that he holds: his scopes, and `scope@place` for each that he holds at some place.
    pub fn admitted(&self) -> BTreeSet<String> {
        let mut scopes = self.scopes();
        let placed = scopes.iter().filter_map(|scope| scope.split_once('@'));
        let somewhere: Vec<String> = placed.map(|(scope, _)| somewhere(scope)).collect();
        scopes.extend(somewhere);
        scopes
    }

    /// What he holds: the scopes of an operator or a service, nothing for others.
    pub fn scopes(&self) -> BTreeSet<String> {
        match self {
            Self::Operator { scopes, .. } | Self::Service { scopes, .. } => scopes.clone(),
            Self::Anonymous | Self::Customer(_) | Self::System(_) => BTreeSet::new(),
        }
    }
}

/// What a field asks for that lets in whoever holds the scope at some place: where, the resolver asks again.
pub fn somewhere(scope: &str) -> String {
    format!("{scope}@place")
}

/// Who did something, as events and timelines tell it.
pub type Actor = String;

/// The context of one request.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Who asks.
    pub principal: Principal,
    /// The guest token's hash, when one was shown (also beside a sign-in, for merging).
    pub guest: Option<GuestKey>,
    /// The sales channel.
    pub channel: Channel,
    /// The language of texts.
    pub locale: Locale,
    /// One id through gateway, services and events.
    pub correlation_id: String,
    /// The network address of the caller, where it is known: attempts are counted by it. It goes into no event.
    pub client: Option<IpAddr>,
}

impl RequestContext {
    /// The owner that this caller acts as, when he is a shopper whom we can recognise.
    pub fn owner(&self) -> Option<Owner> {
        match (&self.principal, &self.guest) {
            (Principal::Customer(id), _) => Some(Owner::Customer(*id)),
            (Principal::Anonymous, Some(guest)) => Some(Owner::Guest(guest.clone())),
            _ => None,
        }
    }

    /// Whether the caller is the owner: the customer himself, or whoever shows the guest token.
    pub fn is(&self, owner: &Owner) -> bool {
        match owner {
            Owner::Customer(id) => self.principal == Principal::Customer(*id),
            Owner::Guest(key) => self.guest.as_ref() == Some(key),
        }
    }

    /// Whether the caller may do it everywhere, or at one of these places.
    pub fn may_at<'a>(&self, scope: &str, places: impl IntoIterator<Item = &'a Place>) -> bool {
        let at =
            |scopes: &BTreeSet<String>| places.into_iter().any(|place| scopes.contains(&place.of(scope)));
        match &self.principal {
            Principal::Operator { scopes, .. } | Principal::Service { scopes, .. } => {
                scopes.contains(scope) || at(scopes)
            }
            Principal::System(_) => true,
            Principal::Anonymous | Principal::Customer(_) => false,
        }
    }

    /// Whether the caller is an operator or a service that may do it everywhere, or the system itself.
    pub fn may(&self, scope: &str) -> bool {
        match &self.principal {
            Principal::Operator { scopes, .. } | Principal::Service { scopes, .. } => scopes.contains(scope),
            Principal::System(_) => true,
            Principal::Anonymous | Principal::Customer(_) => false,
        }
    }

    /// Whether the caller may do it at some place, if not everywhere.
    pub fn may_somewhere(&self, scope: &str) -> bool {
        let placed = |held: &String| held.split_once('@').is_some_and(|(held, _)| held == scope);
        match &self.principal {
            Principal::Operator { scopes, .. } | Principal::Service { scopes, .. } => {
                scopes.iter().any(placed)
            }
            Principal::Anonymous | Principal::Customer(_) | Principal::System(_) => false,
        }
    }

    /// The caller in an event.
    pub fn actor(&self) -> Actor {
        match &self.principal {
            Principal::Anonymous => "guest".into(),
            Principal::Customer(id) => format!("customer/{id}"),
            Principal::Operator { id, .. } => format!("operator/{id}"),
            Principal::Service { id, .. } => format!("service/{id}"),
            Principal::System(name) => format!("system/{name}"),
        }
    }

    /// The metadata of events that this request causes.
    pub fn meta(&self) -> EventMeta {
        EventMeta {
            correlation_id: self.correlation_id.clone(),
            causation_id: None,
            actor: self.actor(),
            channel: Some(self.channel.key.to_string()),
        }
    }
}

/// The metadata of events that a part of the system causes by itself.
pub fn system_meta(name: &str, correlation_id: impl Into<String>, channel: Option<&ChannelKey>) -> EventMeta {
    EventMeta {
        correlation_id: correlation_id.into(),
        causation_id: None,
        actor: format!("system/{name}"),
        channel: channel.map(ToString::to_string),
    }
}
