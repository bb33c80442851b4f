//! Documents that a client names instead of sending them: trusted ones, which the shop's own clients were built with, and
//! those that a client has sent before (automatic persisted queries).

mod manifest;

use std::{collections::HashMap, sync::Arc};

use moka::sync::Cache;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use manifest::ManifestError;

use crate::{
    config::DocumentsConfig,
    error::{ErrorCode, GatewayError},
    request::Request,
};

/// SHA-256 of a document's text.
type Hash = [u8; 32];

pub(crate) struct Documents {
    trusted: HashMap<String, Arc<str>>,
    hashes: std::collections::HashSet<Hash>,
    only_trusted: bool,
    automatic: Option<Cache<Hash, Arc<str>>>,
}

/// A document to be remembered when it has turned out to be one.
pub(crate) struct ToRemember(Hash);

impl Documents {
    /// # Errors
    /// When the manifest cannot be read.
    pub(crate) fn new(config: &DocumentsConfig) -> Result<Self, ManifestError> {
        let trusted = match &config.trusted {
            Some(path) => manifest::read(path)?,
            None if config.only_trusted => return Err(ManifestError::NotNamed),
            None => HashMap::new(),
        };
        let hashes = trusted.values().map(|text| hash(text)).collect();
        let automatic = (config.automatic && !config.only_trusted).then(|| {
            Cache::builder()
                .max_capacity(config.automatic_bytes)
                .weigher(|_, text: &Arc<str>| u32::try_from(text.len() + 100).unwrap_or(u32::MAX))
                .build()
        });
        Ok(Self { trusted, hashes, only_trusted: config.only_trusted, automatic })
    }

    /// The texts of the trusted documents, by id.
    pub(crate) fn trusted(&self) -> impl Iterator<Item = (&str, &str)> {
        self.trusted.iter().map(|(id, text)| (id.as_str(), &**text))
    }

    /// Puts the text into a request that names a document, and refuses a text that is not trusted where only trusted ones
    /// are.
    pub(crate) fn resolve(&self, request: &mut Request) -> Result<Option<ToRemember>, GatewayError> {
        let refuse = |code, message: &str| Err(GatewayError::new(code, message));
        if let Some(id) = request.document_id.take() {
            if !request.query.is_empty() {
                return refuse(ErrorCode::BadRequest, "Send a query or a documentId, not both.");
            }
            let name = id.strip_prefix("sha256:").unwrap_or(&id);
            let text = self.trusted.get(&id).or_else(|| self.trusted.get(name));
            let text = text.cloned().or_else(|| self.remembered(&parse_hash(name)?));
            return match text {
                Some(text) => {
                    request.query = text.to_string();
                    Ok(None)
                }
                None => refuse(ErrorCode::DocumentNotFound, "There is no document with this id."),
            };
        }
        let persisted = request.extensions.as_ref().and_then(|e| e.get("persistedQuery"));
        let Some(persisted) = persisted else { return self.check_text(&request.query).map(|()| None) };
        if persisted.get("version").and_then(Value::as_u64) != Some(1) {
            return refuse(ErrorCode::BadRequest, "Only version 1 of persistedQuery is known.");
        }
        let text = persisted.get("sha256Hash").and_then(Value::as_str).unwrap_or_default();
        let Some(hash) = parse_hash(text) else {
            return refuse(ErrorCode::BadRequest, "persistedQuery.sha256Hash is 64 hexadecimal digits.");
        };
        if request.query.is_empty() {
            let text = self.trusted.get(text).cloned().or_else(|| self.remembered(&hash));
            return match (text, &self.automatic) {
                (Some(text), _) => {
                    request.query = text.to_string();
                    Ok(None)
                }
                // The messages are those that clients look for.
                (None, Some(_)) => refuse(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound"),
                (None, None) if self.trusted.is_empty() => {
                    refuse(ErrorCode::PersistedQueryNotSupported, "PersistedQueryNotSupported")
                }
                (None, None) => refuse(ErrorCode::DocumentNotFound, "There is no document with this hash."),
            };
        }
        self.check_text(&request.query)?;
        if self::hash(&request.query) != hash {
            return refuse(ErrorCode::BadRequest, "persistedQuery.sha256Hash is not the hash of the query.");
        }
        Ok(self.automatic.as_ref().map(|_| ToRemember(hash)))
    }

    /// Remembers a document that was planned: others are not worth the room.
    pub(crate) fn remember(&self, document: &ToRemember, text: &str) {
        if let Some(automatic) = &self.automatic {
            automatic.insert(document.0, text.into());
        }
    }

    fn remembered(&self, hash: &Hash) -> Option<Arc<str>> {
        self.automatic.as_ref()?.get(hash)
    }

    fn check_text(&self, text: &str) -> Result<(), GatewayError> {
        if text.is_empty() {
            return Err(GatewayError::new(ErrorCode::BadRequest, "The request has no \"query\"."));
        }
        if self.only_trusted && !self.hashes.contains(&hash(text)) {
            let message = "Only documents that were registered are answered here.";
            return Err(GatewayError::new(ErrorCode::DocumentNotTrusted, message));
        }
        Ok(())
    }
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

fn parse_hash(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut hash = Hash::default();
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        let digit = |d: u8| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}
