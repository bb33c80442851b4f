//! The keys of an issuer, and whether a token is signed with one of them.

use crate::error::OidcError;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{Jwk, PublicKeyUse},
};
use serde::{Deserialize, de::DeserializeOwned};

/// What clocks may differ by, in seconds.
const LEEWAY: u64 = 30;
/// A longer text is no token, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;

/// A JSON Web Key Set (RFC 7517) as it comes: keys of kinds that we do not know are passed over.
#[derive(Deserialize)]
pub(crate) struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// Keys that verify signatures.
pub(crate) struct Keys(Vec<Key>);

struct Key {
    id: Option<String>,
    /// What it is for, if it says so.
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

impl From<KeySet> for Keys {
    fn from(set: KeySet) -> Self {
        let known = set.keys.into_iter().filter_map(|value| serde_json::from_value::<Jwk>(value).ok());
        Self(known.filter_map(Key::of).collect())
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        let signs = jwk.common.public_key_use.as_ref().is_none_or(|u| *u == PublicKeyUse::Signature);
        let algorithm = match &jwk.common.key_algorithm {
            None => None,
            // One that is not for signatures, or not known: the key is not for us.
            Some(named) => Some(named.to_string().parse::<Algorithm>().ok().filter(|a| is_asymmetric(*a))?),
        };
        let key = DecodingKey::from_jwk(&jwk).ok().filter(|_| signs)?;
        Some(Self { id: jwk.common.key_id, algorithm, key })
    }

    /// Whether the token may be signed with it.
    fn fits(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        let named = id.is_none() || self.id.is_none() || self.id.as_deref() == id;
        let same = self.algorithm.is_none_or(|own| own == algorithm);
        named && same && self.key.family() == algorithm.family()
    }
}

/// Why a token was not verified.
pub(crate) enum Unverified {
    /// It is signed with a key that is not among these: there may be newer ones.
    UnknownKey,
    /// It is not acceptable.
    Rejected(OidcError),
}

impl Keys {
    /// The claims of a token for one of these audiences, if it is in order.
    pub(crate) fn verify<C: DeserializeOwned>(
        &self,
        issuer: &str,
        audiences: &[&str],
        token: &str,
    ) -> Result<C, Unverified> {
        let rejected = |why: &str| Unverified::Rejected(OidcError::Rejected(format!("the token {why}")));
        if token.len() > LONGEST_TOKEN {
            return Err(rejected("is too long"));
        }
        let header = decode_header(token).map_err(|_| rejected("is not a signed JSON Web Token"))?;
        if !is_asymmetric(header.alg) {
            return Err(rejected("is not signed with a key pair"));
        }
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let mut fitting = self.0.iter().filter(|key| key.fits(header.kid.as_deref(), header.alg)).peekable();
        if fitting.peek().is_none() {
            return Err(Unverified::UnknownKey);
        }
        let mut last = None;
        for key in fitting {
            match decode::<C>(token, &key.key, &validation) {
                Ok(token) => return Ok(token.claims),
                Err(error) => last = Some(error),
            }
        }
        // Names of kinds of errors: `ExpiredSignature`, `InvalidAudience` …
        let kind = last.map(|error| format!("{:?}", error.kind())).unwrap_or_default();
        Err(rejected(&format!("is not acceptable: {}", kind.split(['(', ' ']).next().unwrap_or_default())))
    }
}

fn is_asymmetric(algorithm: Algorithm) -> bool {
    !matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}
