use crate::{
    error::{OidcError, SetupError},
    http,
    issuer::{FOR_SIGN_IN, Issuer, Metadata},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use reqwest::{RequestBuilder, header};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};
use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};

/// A provider, as the configuration describes it.
#[derive(Clone)]
pub struct ProviderOptions {
    /// Its name for people.
    pub name: String,
    /// Its issuer: `/.well-known/openid-configuration` is below it.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; none for a public client.
    pub client_secret: Option<String>,
    /// Where people may come back to.
    pub redirect_uris: Vec<String>,
}

/// A client of one provider. Cheap to clone.
#[derive(Clone)]
pub struct Provider {
    issuer: Issuer,
    options: Arc<ProviderOptions>,
}

/// One way to a provider and back. Secret until it is over.
#[derive(Clone)]
pub struct Journey {
    /// Where somebody comes back to.
    pub redirect_uri: String,
    /// Comes back with him.
    pub state: String,
    /// Stands in what the provider says about him.
    pub nonce: String,
    /// Proves that whoever exchanges the code began the journey (RFC 7636): 43 to 128 unreserved characters.
    pub pkce_verifier: String,
}

/// Who somebody is, by the word of a provider. Personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who says so.
    pub issuer: String,
    /// Whom it means: never given to somebody else by this issuer.
    pub subject: String,
    /// His mail address.
    pub email: Option<String>,
    /// Whether the provider knows that he reads its mail.
    pub email_verified: bool,
    /// His name.
    pub name: Option<String>,
}

/// What an id token, or userinfo, says.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    aud: Audience,
    azp: Option<String>,
    nonce: Option<String>,
    email: Option<String>,
    #[serde(default, deserialize_with = "truth")]
    email_verified: bool,
    name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Audience {
    #[default]
    None,
    One(#[allow(dead_code, reason = "which one was checked with the signature")] String),
    Many(Vec<String>),
}

/// Some providers write it as a text.
fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(match serde_json::Value::deserialize(from)? {
        serde_json::Value::Bool(told) => told,
        serde_json::Value::String(told) => told == "true",
        _ => false,
    })
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    id_token: String,
}

/// A refusal (RFC 6749, 5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Provider {
    /// The client. The provider is asked only when somebody signs in.
    ///
    /// # Errors
    /// [`SetupError`] names the setting that is wrong.
    pub fn new(options: ProviderOptions) -> Result<Self, SetupError> {
        if options.client_id.is_empty() {
            return Err(SetupError::Missing("client_id"));
        }
        if options.redirect_uris.is_empty() {
            return Err(SetupError::Missing("redirect_uris"));
        }
        for uri in &options.redirect_uris {
            http::configured("redirect_uris", uri)?;
        }
        Ok(Self { issuer: Issuer::discovered(&options.issuer)?, options: Arc::new(options) })
    }

    /// Its name for people.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// Its issuer.
    pub fn issuer(&self) -> &str {
        self.issuer.name()
    }

    /// Where people may come back to, compared as whole texts; the first when nothing is asked for.
    pub fn redirect_uri(&self, wanted: Option<&str>) -> Option<&str> {
        let mut known = self.options.redirect_uris.iter().map(String::as_str);
        match wanted {
            Some(wanted) => known.find(|uri| *uri == wanted),
            None => known.next(),
        }
    }

    async fn metadata(&self) -> Result<Metadata, OidcError> {
        let known = self.issuer.known(FOR_SIGN_IN).await?;
        known.metadata.clone().ok_or_else(|| OidcError::unavailable("its configuration", "there is none"))
    }

    /// Where somebody is sent to sign in.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`].
    pub async fn authorization_url(&self, journey: &Journey) -> Result<Url, OidcError> {
        let place = self.metadata().await?.authorization_endpoint;
        let place = place.filter(|url| matches!(url.scheme(), "https" | "http"));
        let mut url = place.ok_or_else(|| OidcError::unavailable("its sign-in page", "it names none"))?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&journey.pkce_verifier));
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.options.client_id),
            ("redirect_uri", &journey.redirect_uri),
            ("scope", "openid email profile"),
            ("state", &journey.state),
            ("nonce", &journey.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(url)
    }

    /// Who came back with this code. A code works once.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn finish(&self, journey: &Journey, code: &str) -> Result<Identity, OidcError> {
        let metadata = self.metadata().await?;
        let tokens = self.exchange(&metadata, journey, code).await?;
        let claims: Claims = self.issuer.verify(&tokens.id_token, &[&self.options.client_id]).await?;
        self.check(&claims, &journey.nonce)?;
        let told = match (&claims.email, &metadata.userinfo_endpoint) {
            (None, Some(place)) => Some(self.user_info(place, &tokens.access_token, &claims.sub).await?),
            _ => None,
        };
        let subject = claims.sub.clone();
        // Address and whether it is verified come from one place.
        let Claims { email, email_verified, name, .. } = told.unwrap_or(claims);
        Ok(Identity { issuer: self.issuer.name().to_owned(), subject, email, email_verified, name })
    }

    /// What the signature does not say (OpenID Connect Core 1.0, 3.1.3.7).
    fn check(&self, claims: &Claims, nonce: &str) -> Result<(), OidcError> {
        let rejected = |why: &str| Err(OidcError::Rejected(format!("the id token {why}")));
        let own = |azp: &String| *azp == self.options.client_id;
        let many = matches!(&claims.aud, Audience::Many(all) if all.len() > 1);
        if (many && claims.azp.is_none()) || claims.azp.as_ref().is_some_and(|azp| !own(azp)) {
            return rejected("is for somebody else");
        }
        if !(1..=255).contains(&claims.sub.len()) {
            return rejected("names nobody");
        }
        let same = claims.nonce.as_ref().is_some_and(|told| told.as_bytes().ct_eq(nonce.as_bytes()).into());
        if same { Ok(()) } else { rejected("is not of this sign-in") }
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        journey: &Journey,
        code: &str,
    ) -> Result<Tokens, OidcError> {
        const WHAT: &str = "a token for the code";
        let place = metadata.token_endpoint.clone();
        let place = place.ok_or_else(|| OidcError::unavailable(WHAT, "it names no place for it"))?;
        let (status, body) = http::answer(WHAT, self.token_request(place, metadata, journey, code)).await?;
        if status.is_success() {
            return http::read(WHAT, &body);
        }
        match serde_json::from_slice::<Refusal>(&body) {
            // The provider knows us, and does not want the code.
            Ok(Refusal { error }) if error == "invalid_grant" => {
                Err(OidcError::Rejected("the code is wrong, was used or does not hold any more".into()))
            }
            // Ours to put right: it is in the log, whoever signs in is told that it does not work now.
            Ok(Refusal { error }) => Err(OidcError::unavailable(WHAT, format!("{status}, {error:.60}"))),
            Err(_) => Err(OidcError::unavailable(WHAT, format!("the answer is {status}"))),
        }
    }

    fn token_request(
        &self,
        place: Url,
        metadata: &Metadata,
        journey: &Journey,
        code: &str,
    ) -> RequestBuilder {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &journey.redirect_uri),
            ("code_verifier", &journey.pkce_verifier),
        ]);
        let request = self.issuer.http().post(place);
        let request = self.authenticated(request, metadata, &mut form);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(form.finish())
    }

    /// Shows who we are in the way that the provider takes (RFC 6749, 2.3.1).
    fn authenticated(
        &self,
        request: RequestBuilder,
        metadata: &Metadata,
        form: &mut form_urlencoded::Serializer<'_, String>,
    ) -> RequestBuilder {
        let id = &self.options.client_id;
        let takes =
            |method: &str| metadata.token_endpoint_auth_methods_supported.iter().any(|known| known == method);
        let Some(secret) = &self.options.client_secret else {
            form.append_pair("client_id", id);
            return request;
        };
        if !takes("client_secret_basic") && takes("client_secret_post") {
            form.append_pair("client_id", id).append_pair("client_secret", secret);
            return request;
        }
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = BASE64_STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
        let value = header::HeaderValue::from_str(&format!("Basic {pair}"));
        match value {
            Ok(mut value) => {
                value.set_sensitive(true);
                request.header(header::AUTHORIZATION, value)
            }
            Err(_) => request,
        }
    }

    async fn user_info(&self, place: &Url, token: &str, subject: &str) -> Result<Claims, OidcError> {
        let told: Claims =
            http::json("the mail address", self.issuer.http().get(place.clone()).bearer_auth(token)).await?;
        if told.sub == subject {
            Ok(told)
        } else {
            Err(OidcError::Rejected("what the provider says is about somebody else".into()))
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({:?})", self.issuer)
    }
}
