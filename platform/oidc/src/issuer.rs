use crate::{
    error::{OidcError, SetupError},
    http,
    keys::{KeySet, Keys, Unverified},
};
use arc_swap::ArcSwapOption;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use url::Url;

/// How long what the issuer says of itself is kept.
const KEPT: Duration = Duration::from_secs(600);
/// How soon it is asked again for a key that is not known, or after it was away.
const AGAIN: Duration = Duration::from_secs(10);
/// How long its keys are believed while it is away.
const BELIEVED: Duration = Duration::from_secs(24 * 3600);

/// Somebody whose tokens are believed. Cheap to clone; clones share what is known of it.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    name: String,
    url: Url,
    keys_at: Option<Url>,
    http: reqwest::Client,
    known: ArcSwapOption<Known>,
    /// Held while it is asked: when it last did not answer, and how.
    asking: Mutex<Option<(Instant, OidcError)>>,
}

/// What an issuer says of itself (OpenID Connect Discovery 1.0, section 3).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    jwks_uri: Url,
    pub(crate) authorization_endpoint: Option<Url>,
    pub(crate) token_endpoint: Option<Url>,
    pub(crate) userinfo_endpoint: Option<Url>,
    #[serde(default = "basic")]
    pub(crate) token_endpoint_auth_methods_supported: Vec<String>,
}

fn basic() -> Vec<String> {
    vec!["client_secret_basic".into()]
}

pub(crate) struct Known {
    at: Instant,
    pub(crate) metadata: Option<Metadata>,
    keys: Keys,
}

impl Issuer {
    /// The issuer with this `iss`, whose keys are found by discovery. It is asked when the first token comes.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn discovered(issuer: &str) -> Result<Self, SetupError> {
        Self::new(issuer, None)
    }

    /// The issuer with this `iss`, whose keys are at this address.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn with_keys_at(issuer: &str, keys: &str) -> Result<Self, SetupError> {
        Self::new(issuer, Some(http::configured("jwks_uri", keys)?))
    }

    fn new(issuer: &str, keys_at: Option<Url>) -> Result<Self, SetupError> {
        Ok(Self(Arc::new(Inner {
            name: issuer.to_owned(),
            url: http::configured("issuer", issuer)?,
            keys_at,
            http: http::client()?,
            known: ArcSwapOption::empty(),
            asking: Mutex::default(),
        })))
    }

    /// Its `iss`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The claims of a token that it gave for one of these audiences.
    ///
    /// # Errors
    /// [`OidcError::Rejected`] says what is wrong with the token; [`OidcError::Unavailable`] when the issuer's keys are not
    /// known and it does not answer.
    pub async fn verify<C: DeserializeOwned>(&self, token: &str, audiences: &[&str]) -> Result<C, OidcError> {
        for age in [KEPT, AGAIN] {
            match self.known(age).await?.keys.verify(&self.0.name, audiences, token) {
                Ok(claims) => return Ok(claims),
                Err(Unverified::UnknownKey) => {}
                Err(Unverified::Rejected(error)) => return Err(error),
            }
        }
        Err(OidcError::Rejected("the token is signed with a key that the issuer does not name".into()))
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// What is known, when it is not older than `age`; else what the issuer says now, or, while it is away, what is known.
    pub(crate) async fn known(&self, age: Duration) -> Result<Arc<Known>, OidcError> {
        let fresh = || self.0.known.load_full().filter(|known| known.at.elapsed() < age);
        if let Some(known) = fresh() {
            return Ok(known);
        }
        let mut away = self.0.asking.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(known) = fresh() {
            return Ok(known);
        }
        let error = match away.as_ref().filter(|(at, _)| at.elapsed() < AGAIN) {
            Some((_, error)) => error.clone(),
            None => match self.ask().await {
                Ok(known) => {
                    let known = Arc::new(known);
                    self.0.known.store(Some(known.clone()));
                    *away = None;
                    return Ok(known);
                }
                Err(error) => {
                    tracing::warn!(issuer = self.0.name, %error, "an issuer does not answer");
                    *away = Some((Instant::now(), error.clone()));
                    error
                }
            },
        };
        let known = self.0.known.load_full().filter(|known| known.at.elapsed() < BELIEVED);
        known.ok_or(error)
    }

    async fn ask(&self) -> Result<Known, OidcError> {
        let (metadata, keys_at) = match &self.0.keys_at {
            Some(keys_at) => (None, keys_at.clone()),
            None => {
                let metadata = self.discover().await?;
                let keys_at = metadata.jwks_uri.clone();
                (Some(metadata), keys_at)
            }
        };
        let keys: KeySet = http::json("its keys", self.0.http.get(keys_at)).await?;
        Ok(Known { at: Instant::now(), metadata, keys: keys.into() })
    }

    async fn discover(&self) -> Result<Metadata, OidcError> {
        const WHAT: &str = "its configuration";
        let name = self.0.name.trim_end_matches('/');
        let request = self.0.http.get(format!("{name}/.well-known/openid-configuration"));
        let metadata: Metadata = http::json(WHAT, request).await?;
        if metadata.issuer != self.0.name {
            let why = format!("it calls itself \"{:.200}\"", metadata.issuer);
            return Err(OidcError::unavailable(WHAT, why));
        }
        let named = [&metadata.token_endpoint, &metadata.userinfo_endpoint].into_iter().flatten();
        for to in named.chain([&metadata.jwks_uri]) {
            if !http::may_lead(&self.0.url, to) {
                let why = format!("it leads to \"{:.200}\", where it may not", to.as_str());
                return Err(OidcError::unavailable(WHAT, why));
            }
        }
        Ok(metadata)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.0.name)
    }
}

/// How old what is known may be for a sign-in.
pub(crate) const FOR_SIGN_IN: Duration = KEPT;
