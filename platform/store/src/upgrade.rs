//! Opening spaces: what is declared now against what was stored, documents brought forward, indexes built again.

use crate::{
    Backend, Body, Commit, Declared, DocumentOp, DocumentWrite, Expect, Key, Phase, RawDocument, RawPut,
    SpaceDeclaration, SpaceSchema, StoreError, schema::is_platform,
};
use emporia_id::SharedClock;
use futures_util::future::try_join_all;
use jiff::Timestamp;

/// Documents of one commit while rewriting: ten of the greatest size stay below a transaction's bytes.
const CHUNK: usize = 10;
/// Documents read at once while rewriting; their commits run side by side, so that engines can group them.
const SCAN: usize = 200;

pub(crate) async fn open_spaces(
    backend: &dyn Backend,
    schemas: &[SpaceSchema],
    clock: &SharedClock,
) -> Result<(), StoreError> {
    for (i, schema) in schemas.iter().enumerate() {
        schema.check()?;
        if schemas.iter().take(i).any(|other| other.name() == schema.name()) {
            let space = schema.name().to_owned();
            return Err(StoreError::BadSchema { space, reason: "it is declared twice".to_owned() });
        }
    }
    let names: Vec<&str> = schemas.iter().map(SpaceSchema::name).collect();
    let stored = backend.declared(&names).await?;
    let mut changed = Vec::new();
    let mut rewrites = Vec::new();
    for (schema, stored) in schemas.iter().zip(&stored) {
        let declared = schema.declaration();
        if stored.begun.is_none() && stored.settled.as_ref() == Some(&declared) {
            continue;
        }
        for older in stored.settled.iter().chain(&stored.begun) {
            check_successor(older, &declared)?;
        }
        let collections = collections_to_rewrite(stored, &declared);
        if !collections.is_empty() {
            rewrites.push((schema, collections));
        }
        changed.push(declared);
    }
    if changed.is_empty() {
        return Ok(());
    }
    if !rewrites.is_empty() {
        backend.declare(&changed, Phase::Begin).await?;
        for (schema, collections) in rewrites {
            for collection in collections {
                rewrite(backend, schema, &collection, clock).await?;
            }
        }
    }
    backend.declare(&changed, Phase::Settle).await
}

fn check_successor(older: &SpaceDeclaration, declared: &SpaceDeclaration) -> Result<(), StoreError> {
    if older.schema > declared.schema {
        let what = format!("space {}", declared.name);
        return Err(StoreError::NewerSchema { what, stored: older.schema, known: declared.schema });
    }
    for new in &declared.tallies {
        let Some(old) = older.tallies.iter().find(|old| old.name == new.name) else { continue };
        if !new.fields.starts_with(&old.fields) {
            let reason = format!(
                "the fields of tally {} were {:?}; later releases may only add fields at the end",
                new.name, old.fields
            );
            return Err(StoreError::BadSchema { space: declared.name.clone(), reason });
        }
    }
    Ok(())
}

/// Collections whose documents have an older form, or whose indexes are new or computed differently.
fn collections_to_rewrite(stored: &Declared, declared: &SpaceDeclaration) -> Vec<String> {
    let Some(settled) = &stored.settled else { return Vec::new() };
    let needs = declared.collections.iter().filter(|new| {
        let old = settled.collections.iter().find(|old| old.name == new.name);
        // A collection that an earlier release had and the last one had not still has its old documents.
        let Some(old) = old else { return true };
        let older_form = settled.schema < declared.schema && !is_platform(&new.name);
        // What was begun may have left some documents with entries that the settled declaration does not know.
        stored.begun.is_some() || older_form || new.indexes.iter().any(|index| !old.indexes.contains(index))
    });
    needs.map(|c| c.name.clone()).collect()
}

async fn rewrite(
    backend: &dyn Backend,
    schema: &SpaceSchema,
    collection: &str,
    clock: &SharedClock,
) -> Result<(), StoreError> {
    let mut after: Option<Key> = None;
    let mut count = 0_usize;
    loop {
        let documents = backend.scan(schema.name(), collection, after.as_ref(), SCAN).await?;
        let Some(last) = documents.last() else { break };
        after = Some(last.key.clone());
        count += documents.len();
        let chunks =
            documents.chunks(CHUNK).map(|chunk| rewrite_chunk(backend, schema, chunk.to_vec(), clock));
        try_join_all(chunks).await?;
    }
    if count > 0 {
        tracing::info!(
            space = schema.name(),
            collection,
            count,
            "documents rewritten for the present schema"
        );
    }
    Ok(())
}

/// Rewrites a few documents; those that somebody else changed meanwhile are read and rewritten again.
async fn rewrite_chunk(
    backend: &dyn Backend,
    schema: &SpaceSchema,
    mut documents: Vec<RawDocument>,
    clock: &SharedClock,
) -> Result<(), StoreError> {
    loop {
        let at = clock.now();
        let writes = documents.iter().map(|document| forward(schema, document, at));
        let writes: Vec<_> = writes.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        let commit = Commit {
            space: schema.name().into(),
            at,
            documents: writes,
            tallies: Vec::new(),
            events: Vec::new(),
        };
        match backend.commit(commit).await {
            Ok(_) => return Ok(()),
            Err(StoreError::Conflict { .. }) => {
                let keys: Vec<Key> = documents.into_iter().map(|document| document.key).collect();
                documents = backend.get(schema.name(), &keys, at).await?.into_iter().flatten().collect();
            }
            Err(error) => return Err(error),
        }
    }
}

/// The document in its present form; none if it has expired and only waits to be swept away.
fn forward(
    schema: &SpaceSchema,
    document: &RawDocument,
    at: Timestamp,
) -> Result<Option<DocumentWrite>, StoreError> {
    let body = schema.forward(&document.key, document.schema, &document.body)?;
    let body = body.map_or_else(|| document.body.clone(), Body::from);
    let examined = schema.examine(&document.key, &body)?;
    if examined.expires.is_some_and(|expires| expires <= at) {
        return Ok(None);
    }
    if examined.key != document.key {
        let reason = format!("a migration moved it to {}", examined.key);
        return Err(StoreError::Undecodable { key: Box::new(document.key.clone()), reason });
    }
    let entries = examined.entries.into_iter().map(|entry| (entry.index.to_owned(), entry.key)).collect();
    Ok(Some(DocumentWrite {
        key: document.key.clone(),
        expect: Expect::At(document.version),
        op: DocumentOp::Put(RawPut { schema: schema.number(), body, entries, expires: examined.expires }),
    }))
}
