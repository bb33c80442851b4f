use crate::password::random;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{
    Signature, Signer, SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use sha2::{Digest, Sha256};
use std::{
    fmt, fs,
    io::{self, Write},
    path::Path,
};
use zeroize::Zeroizing;

pub use ed25519_dalek::VerifyingKey;

/// The key that signs access tokens (Ed25519).
#[derive(Clone)]
pub struct TokenKey(pub(crate) SigningKey);

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the signing key {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What happened.
        source: io::Error,
    },
    /// The text is no Ed25519 key.
    #[error(
        "the signing key is not an Ed25519 key in PKCS #8 PEM form: make one with `openssl genpkey -algorithm ed25519`"
    )]
    Form,
    /// The list of former keys is none.
    #[error(
        "the list of former signing keys (tokens-former.json) is damaged: put back a copy, or remove it; then whoever \
         signed in before the last change of keys has to refresh his session"
    )]
    Former,
}

impl TokenKey {
    /// A new random one.
    pub fn generate() -> Self {
        Self(SigningKey::from_bytes(&Zeroizing::new(random())))
    }

    /// Reads PKCS #8 in PEM form, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// [`KeyError::Form`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(pem.trim()).map(Self).map_err(|_| KeyError::Form)
    }

    /// The form of [`TokenKey::from_pem`].
    ///
    /// # Errors
    /// [`KeyError::Form`] if it cannot be encoded.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Form)
    }

    /// Reads the key of this file, and makes both when there is none. Only the owner of the process may read it. Of
    /// several that start together all get the same key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let file = file_error(path);
        loop {
            match fs::read_to_string(path).map(Zeroizing::new) {
                Ok(pem) => return Self::from_pem(&pem),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match write_new(path, &Self::generate().to_pem()?) {
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                        made => made.map_err(&file)?,
                    }
                }
                Err(error) => return Err(file(error)),
            }
        }
    }

    /// Its `kid`: the thumbprint of the public half (RFC 7638).
    pub fn id(&self) -> String {
        key_id(&self.verifying())
    }

    /// The Ed25519 signature of these bytes, in base 64. Whoever signs something else than tokens says in it what it is.
    pub fn sign(&self, bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.0.sign(bytes).to_bytes())
    }

    /// Whether this is the key's signature of these bytes.
    pub fn signed(&self, bytes: &[u8], signature: &str) -> bool {
        let decoded = URL_SAFE_NO_PAD.decode(signature).ok();
        let signature = decoded.and_then(|bytes| Signature::from_slice(&bytes).ok());
        signature.is_some_and(|signature| self.verifying().verify_strict(bytes, &signature).is_ok())
    }

    /// The public half.
    pub fn verifying(&self) -> VerifyingKey {
        self.0.verifying_key()
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", key_id(&self.verifying()))
    }
}

/// The key's thumbprint (RFC 7638): its `kid`.
pub(crate) fn key_id(key: &VerifyingKey) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

pub(crate) fn file_error(path: &Path) -> impl Fn(io::Error) -> KeyError {
    let path = path.display().to_string();
    move |source| KeyError::File { path: path.clone(), source }
}

/// Writes a file that appears whole or not at all, and never over another one.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    write(path, text, |beside| {
        let linked = fs::hard_link(beside, path);
        // The name beside has done its service, whether the linking succeeded or not.
        fs::remove_file(beside)?;
        linked
    })
}

/// Writes a file that takes the place of another one, whole or not at all.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    write(path, text, |beside| fs::rename(beside, path))
}

/// Writes a file beside, which only the owner of the process may read, and puts it in its place.
fn write(path: &Path, text: &str, put: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", crate::secret::hex(&random::<8>())));
    let beside = Path::new(&beside);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(beside)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
    put(beside)
}
