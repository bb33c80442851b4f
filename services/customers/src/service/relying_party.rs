use std::{fmt, sync::Arc};
use url::{Host, Url};
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// For which site passkeys are made: the relying party of WebAuthn. Cheap to clone.
#[derive(Clone)]
pub struct RelyingParty(Arc<Webauthn>);

/// Why passkeys cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelyingPartyError {
    /// Without one, no page can ask for a passkey.
    #[error("name at least one origin: https://shop.example.com")]
    NoOrigin,
    /// It is no origin of a page that a browser lets use passkeys.
    #[error("\"{0}\" is not an origin: it looks like https://shop.example.com (or http://localhost:8080)")]
    Origin(String),
    /// A browser would refuse it.
    #[error("the origin {origin} is not at the domain \"{id}\" of the relying party, or below it")]
    Elsewhere {
        /// Which.
        origin: String,
        /// The relying party.
        id: String,
    },
}

impl RelyingParty {
    /// The site with this domain (`example.com`: its passkeys hold for `shop.example.com`, too), called so, whose pages
    /// are at these origins. The domain cannot be changed later: passkeys are bound to it.
    ///
    /// # Errors
    /// [`RelyingPartyError`].
    pub fn new(id: &str, name: &str, origins: &[String]) -> Result<Self, RelyingPartyError> {
        let origins =
            origins.iter().map(|text| origin(id, text)).collect::<Result<Vec<_>, RelyingPartyError>>()?;
        let (first, others) = origins.split_first().ok_or(RelyingPartyError::NoOrigin)?;
        let refused = |_| RelyingPartyError::Elsewhere { origin: first.to_string(), id: id.to_owned() };
        let builder = WebauthnBuilder::new(id, first).map_err(refused)?.rp_name(name);
        let builder = others.iter().fold(builder, |builder, origin| builder.append_allowed_origin(origin));
        builder.build().map(|webauthn| Self(Arc::new(webauthn))).map_err(refused)
    }

    pub(crate) fn webauthn(&self) -> &Webauthn {
        &self.0
    }
}

/// Secure contexts only (W3C Secure Contexts, 3.1), below the domain.
fn origin(id: &str, text: &str) -> Result<Url, RelyingPartyError> {
    let wrong = || RelyingPartyError::Origin(text.to_owned());
    let url = Url::parse(text).map_err(|_| wrong())?;
    let Some(Host::Domain(host)) = url.host() else { return Err(wrong()) };
    let secure = url.scheme() == "https" || (url.scheme() == "http" && host == "localhost");
    let bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    if !secure || !bare || id.is_empty() {
        return Err(wrong());
    }
    if host != id && !host.ends_with(&format!(".{id}")) {
        return Err(RelyingPartyError::Elsewhere { origin: text.to_owned(), id: id.to_owned() });
    }
    Ok(url)
}

impl fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RelyingParty").field(&self.0.get_allowed_origins()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_where_browsers_allow_passkeys_are_taken() {
        let new = |id: &str, origins: &[&str]| {
            let origins: Vec<String> = origins.iter().map(|o| (*o).to_owned()).collect();
            RelyingParty::new(id, "Shop", &origins).map(drop)
        };
        let shop = "https://shop.example.com";
        assert_eq!(new("example.com", &[shop, "https://till.example.com:8443"]), Ok(()));
        assert_eq!(new("localhost", &["http://localhost:8080"]), Ok(()));
        assert_eq!(new("example.com", &[]), Err(RelyingPartyError::NoOrigin));
        let origins =
            ["http://shop.example.com", "https://shop.example.com/path", "https://10.0.0.1", "shop"];
        for origin in origins {
            assert_eq!(new("example.com", &[shop, origin]), Err(RelyingPartyError::Origin(origin.into())));
        }
        for origin in ["https://example.org", "https://badexample.com"] {
            let elsewhere = RelyingPartyError::Elsewhere { origin: origin.into(), id: "example.com".into() };
            assert_eq!(new("example.com", &[shop, origin]), Err(elsewhere));
        }
    }
}
