//! Reads trusted documents: a manifest as client tools write it, or a directory of documents and manifests.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Why trusted documents cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Only trusted documents are answered, and nobody said where they are.
    #[error("only_trusted needs `trusted`: the file or directory with the documents")]
    NotNamed,
    /// The file is not readable.
    #[error("trusted documents {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no manifest.
    #[error(
        "trusted documents {path}: {reason}; it is a JSON object of ids and documents, or a manifest with \
         \"operations\" of \"id\" and \"body\""
    )]
    Form {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Two documents have the same id.
    #[error("trusted documents {path}: the id {id} stands for two documents")]
    Twice {
        /// The file with the second.
        path: PathBuf,
        /// Which.
        id: String,
    },
}

type Found = HashMap<String, Arc<str>>;

/// The forms of a manifest: Apollo's (`generate-persisted-query-manifest`), and the plain map of GraphQL Code Generator and
/// Relay.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo { operations: Vec<Operation> },
    Plain(HashMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

/// The documents of a file or directory, by id. A document in a `.graphql` file has the SHA-256 of its text as id.
pub(super) fn read(path: &Path) -> Result<Found, ManifestError> {
    let failed = |source| ManifestError::File { path: path.to_owned(), source };
    let mut found = Found::new();
    if !path.is_dir() {
        file(path, &mut found)?;
        return Ok(found);
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(failed)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    files.sort();
    for path in files {
        if path.extension().is_some_and(|end| end == "graphql" || end == "gql" || end == "json") {
            file(&path, &mut found)?;
        }
    }
    Ok(found)
}

fn file(path: &Path, found: &mut Found) -> Result<(), ManifestError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ManifestError::File { path: path.to_owned(), source })?;
    let documents: Vec<(String, String)> = if path.extension().is_some_and(|end| end == "json") {
        let manifest = serde_json::from_str(&text)
            .map_err(|e| ManifestError::Form { path: path.to_owned(), reason: e.to_string() })?;
        match manifest {
            Manifest::Apollo { operations } => operations.into_iter().map(|o| (o.id, o.body)).collect(),
            Manifest::Plain(map) => map.into_iter().collect(),
        }
    } else {
        let digest = Sha256::digest(&text);
        vec![(digest.iter().map(|byte| format!("{byte:02x}")).collect(), text)]
    };
    for (id, text) in documents {
        let known = found.insert(id.clone(), text.as_str().into());
        if known.is_some_and(|known| *known != *text) {
            return Err(ManifestError::Twice { path: path.to_owned(), id });
        }
    }
    Ok(())
}
