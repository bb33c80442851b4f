use crate::{
    KeyError, KeyRing, Scopes,
    key::{TokenKey, VerifyingKey, key_id},
    ring::FormerKey,
};
use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer};
use emporia_id::{Ids, SharedClock};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// No token of ours is longer; a longer text is not looked at.
const LONGEST: usize = 8 * 1024;

/// For whom tokens are and how long they hold.
#[derive(Debug, Clone)]
pub struct TokenOptions {
    /// Who issues (`iss`).
    pub issuer: String,
    /// For whom (`aud`).
    pub audience: String,
    /// How long a token holds.
    pub lifetime: SignedDuration,
    /// By how much clocks may differ.
    pub leeway: SignedDuration,
}

impl TokenOptions {
    /// Tokens that the issuer itself accepts, for 15 minutes.
    pub fn new(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        Self {
            audience: issuer.clone(),
            issuer,
            lifetime: SignedDuration::from_mins(15),
            leeway: SignedDuration::from_secs(5),
        }
    }
}

/// A token and when it ends.
#[derive(Clone)]
pub struct IssuedToken {
    /// The token: a secret.
    pub token: String,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedToken(until {})", self.expires_at)
    }
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who: a text that the issuer understands.
    pub subject: String,
    /// What he may do.
    pub scopes: Scopes,
    /// The token's own id.
    pub token_id: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token.
    #[error("the access token is malformed")]
    Malformed,
    /// Its header names another algorithm, or a key that is not ours (any more).
    #[error("the access token was not issued with a key that is accepted here: sign in again")]
    UnknownKey,
    /// It was altered, or signed by somebody else.
    #[error("the access token's signature is wrong")]
    WrongSignature,
    /// It was issued by or for somebody else.
    #[error("the access token is not meant for this service")]
    NotForUs,
    /// It begins to hold later.
    #[error("the access token is not valid yet: check the clocks")]
    NotYetValid,
    /// It has ended: use the refresh token.
    #[error("the access token has expired: refresh the session")]
    Expired,
}

/// The claims as they stand in the token (RFC 7519, RFC 9068).
#[derive(Serialize, Deserialize)]
struct Body {
    iss: String,
    aud: String,
    sub: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    scope: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Issues and verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct AccessTokens(Arc<Inner>);

struct Inner {
    keys: ArcSwap<Keys>,
    files: Option<Files>,
    options: TokenOptions,
    clock: SharedClock,
    ids: Ids,
}

/// The keys of one moment.
struct Keys {
    key: TokenKey,
    /// The signing one first.
    accepted: Vec<Accepted>,
}

/// Where the keys come from, and when they were looked at last (in milliseconds since 1970).
struct Files {
    path: PathBuf,
    looked: AtomicI64,
}

/// How old the knowledge of the files may be, in milliseconds.
const LOOK_AGAIN: i64 = 1000;

#[derive(Clone)]
struct Accepted {
    header: String,
    id: String,
    key: VerifyingKey,
    until: Timestamp,
}

impl Accepted {
    fn new(key: VerifyingKey, until: Timestamp) -> Self {
        let id = key_id(&key);
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{id}"}}"#);
        Self { header: URL_SAFE_NO_PAD.encode(header), id, key, until }
    }
}

impl From<KeyRing> for Keys {
    fn from(ring: KeyRing) -> Self {
        let signing = Accepted::new(ring.key.verifying(), Timestamp::MAX);
        let former = ring.former.iter().map(|f| Accepted::new(f.key, f.until));
        Self { accepted: std::iter::once(signing).chain(former).collect(), key: ring.key }
    }
}

impl AccessTokens {
    /// Tokens signed with `key`.
    pub fn new(key: TokenKey, options: TokenOptions, clock: SharedClock, ids: Ids) -> Self {
        Self::accepting(key, &[], options, clock, ids)
    }

    /// As [`AccessTokens::new`], accepting tokens of former keys too.
    pub fn accepting(
        key: TokenKey,
        former: &[VerifyingKey],
        options: TokenOptions,
        clock: SharedClock,
        ids: Ids,
    ) -> Self {
        let former = former.iter().map(|key| FormerKey { key: *key, until: Timestamp::MAX }).collect();
        Self::with(KeyRing { key, former }, None, options, clock, ids)
    }

    /// Tokens signed with the key of this file, which is made when it is not there. When the keys are rotated
    /// ([`KeyRing::rotate`]), by whichever process, this one signs with the new key within a second, and accepts it at
    /// once.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(path: &Path, options: TokenOptions, clock: SharedClock, ids: Ids) -> Result<Self, KeyError> {
        let ring = KeyRing::open(path)?;
        let files = Files { path: path.to_owned(), looked: AtomicI64::new(clock.now().as_millisecond()) };
        Ok(Self::with(ring, Some(files), options, clock, ids))
    }

    fn with(
        ring: KeyRing,
        files: Option<Files>,
        options: TokenOptions,
        clock: SharedClock,
        ids: Ids,
    ) -> Self {
        Self(Arc::new(Inner { keys: ArcSwap::from_pointee(ring.into()), files, options, clock, ids }))
    }

    /// The keys, looked at again when that is a second ago. Files that cannot be read leave them as they are.
    fn keys(&self) -> Arc<Keys> {
        let inner = self.0.as_ref();
        if let Some(files) = &inner.files {
            let (now, looked) = (inner.clock.now().as_millisecond(), files.looked.load(Ordering::Acquire));
            let due = now.saturating_sub(looked) >= LOOK_AGAIN || now < looked;
            let mine = due
                && files.looked.compare_exchange(looked, now, Ordering::AcqRel, Ordering::Acquire).is_ok();
            if mine {
                self.look(files);
            }
        }
        inner.keys.load_full()
    }

    fn look(&self, files: &Files) {
        match KeyRing::open(&files.path) {
            Ok(ring) => self.0.keys.store(Arc::new(ring.into())),
            Err(error) => {
                tracing::warn!(%error, "the signing keys cannot be read again: the known ones stay")
            }
        }
    }

    /// A token for `subject`, from now on.
    pub fn issue(&self, subject: &str, scopes: &Scopes) -> IssuedToken {
        let Inner { options, clock, ids, .. } = self.0.as_ref();
        let keys = self.keys();
        let Keys { key, accepted } = keys.as_ref();
        let now = clock.now().as_second();
        let exp = now.saturating_add(options.lifetime.as_secs());
        let body = Body {
            iss: options.issuer.clone(),
            aud: options.audience.clone(),
            sub: subject.to_owned(),
            scope: scopes.to_string(),
            jti: ids.next_uuid().to_string(),
            iat: now,
            nbf: now,
            exp,
        };
        // Texts and numbers always have a JSON form, and the first accepted key is the signing one.
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&body).unwrap_or_default());
        let header = accepted.first().map_or("", |first| &first.header);
        let signed = format!("{header}.{body}");
        let signature = URL_SAFE_NO_PAD.encode(key.0.sign(signed.as_bytes()).to_bytes());
        IssuedToken {
            token: format!("{signed}.{signature}"),
            expires_at: Timestamp::from_second(exp).unwrap_or(Timestamp::MAX),
        }
    }

    /// What a token says, if it is one of ours and holds now.
    ///
    /// # Errors
    /// [`TokenError`] says what is wrong with it.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let Inner { options, clock, .. } = self.0.as_ref();
        if token.len() > LONGEST {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, body) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let by = self.accepted(header).ok_or_else(|| unknown(header))?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        let signature = Signature::from_slice(&signature).map_err(|_| TokenError::Malformed)?;
        by.key.verify_strict(signed.as_bytes(), &signature).map_err(|_| TokenError::WrongSignature)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| TokenError::Malformed)?;
        let body: Body = serde_json::from_slice(&body).map_err(|_| TokenError::Malformed)?;
        if body.iss != options.issuer || body.aud != options.audience {
            return Err(TokenError::NotForUs);
        }
        let (now, leeway) = (clock.now().as_second(), options.leeway.as_secs());
        if body.nbf.max(body.iat) > now.saturating_add(leeway) {
            return Err(TokenError::NotYetValid);
        }
        if body.exp <= now.saturating_sub(leeway) {
            return Err(TokenError::Expired);
        }
        let instant = |second| Timestamp::from_second(second).map_err(|_| TokenError::Malformed);
        Ok(Claims {
            subject: body.sub,
            scopes: Scopes::parse(&body.scope),
            token_id: body.jti,
            issued_at: instant(body.iat)?,
            expires_at: instant(body.exp)?,
        })
    }

    /// The key that a header names. One that is not known may be another process's new one: then the files are looked
    /// at, at most once a second.
    fn accepted(&self, header: &str) -> Option<Accepted> {
        let now = self.0.clock.now();
        let find = |keys: &Keys| keys.accepted.iter().find(|a| a.header == header && a.until > now).cloned();
        find(&self.0.keys.load()).or_else(|| find(&self.keys()))
    }

    /// The public keys (RFC 7517), for others who verify our tokens.
    pub fn jwks(&self) -> serde_json::Value {
        let key = |a: &Accepted| {
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "kid": a.id, "x": URL_SAFE_NO_PAD.encode(a.key.as_bytes()),
            })
        };
        let (now, keys) = (self.0.clock.now(), self.keys());
        let accepted = keys.accepted.iter().filter(|a| a.until > now);
        serde_json::json!({ "keys": accepted.map(key).collect::<Vec<_>>() })
    }

    /// How long a token holds.
    pub fn lifetime(&self) -> SignedDuration {
        self.0.options.lifetime
    }

    /// How long a key has to be accepted after it signed last: a token's life, the clocks' difference, and what a
    /// process takes to notice a new key.
    pub fn outlast(options: &TokenOptions) -> SignedDuration {
        const NOTICE: SignedDuration = SignedDuration::from_secs(60);
        options.lifetime.saturating_add(options.leeway).saturating_add(NOTICE)
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessTokens").field(&self.0.options).finish()
    }
}

/// A header that is a JSON object is a token's, only not one of ours.
fn unknown(header: &str) -> TokenError {
    let decoded = URL_SAFE_NO_PAD.decode(header).ok();
    match decoded
        .and_then(|bytes| serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).ok())
    {
        Some(_) => TokenError::UnknownKey,
        None => TokenError::Malformed,
    }
}
