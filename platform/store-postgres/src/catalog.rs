//! Numbers of spaces, collections, indexes and tallies: kept in memory, grown when a space is declared.

use emporia_store::{Declared, Phase, SpaceDeclaration, StoreError};
use std::{collections::HashMap, sync::Arc};
use tokio_postgres::{Error, GenericClient, Transaction};

#[derive(Debug, Default, Clone)]
pub(crate) struct Catalog {
    spaces: HashMap<String, Space>,
}

#[derive(Debug, Clone)]
pub(crate) struct Space {
    pub(crate) id: i32,
    pub(crate) generation: i64,
    pub(crate) schema: i32,
    settled: Option<String>,
    begun: Option<String>,
    collections: HashMap<String, Collection>,
    tallies: HashMap<String, TallyKind>,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Collection {
    pub(crate) id: i32,
    indexes: HashMap<String, Index>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Index {
    pub(crate) id: i32,
    pub(crate) unique: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct TallyKind {
    pub(crate) id: i32,
    pub(crate) fields: Arc<[String]>,
}

impl Catalog {
    pub(crate) fn declared(&self, space: &str) -> Result<Declared, StoreError> {
        let Some(found) = self.spaces.get(space) else { return Ok(Declared::default()) };
        let declaration = |json: &Option<String>| {
            json.as_deref().map(serde_json::from_str::<SpaceDeclaration>).transpose().map_err(|error| {
                StoreError::Corrupt { detail: format!("the declaration of {space}: {error}") }
            })
        };
        Ok(Declared { settled: declaration(&found.settled)?, begun: declaration(&found.begun)? })
    }

    pub(crate) fn space(&self, name: &str) -> Result<&Space, StoreError> {
        self.spaces
            .get(name)
            .ok_or_else(|| StoreError::Undeclared { space: name.to_owned(), what: "the space".to_owned() })
    }

    pub(crate) fn collection(&self, space: &str, name: &str) -> Result<&Collection, StoreError> {
        let found = self.spaces.get(space).and_then(|space| space.collections.get(name));
        found.ok_or_else(|| undeclared(space, "collection", name))
    }

    pub(crate) fn index(&self, space: &str, collection: &str, name: &str) -> Result<Index, StoreError> {
        let found = self.collection(space, collection)?.indexes.get(name);
        found.copied().ok_or_else(|| undeclared(space, "index", name))
    }

    pub(crate) fn tally(&self, space: &str, name: &str) -> Result<&TallyKind, StoreError> {
        let found = self.spaces.get(space).and_then(|space| space.tallies.get(name));
        found.ok_or_else(|| undeclared(space, "tally", name))
    }

    /// Reads everything that the database knows.
    pub(crate) async fn load(client: &impl GenericClient) -> Result<Self, Error> {
        let mut spaces: HashMap<i32, (String, Space)> = HashMap::new();
        let all = "SELECT id, name, generation, schema, settled, begun FROM spaces";
        for row in client.query(all, &[]).await? {
            let space = Space {
                id: row.try_get(0)?,
                generation: row.try_get(2)?,
                schema: row.try_get(3)?,
                settled: row.try_get(4)?,
                begun: row.try_get(5)?,
                collections: HashMap::new(),
                tallies: HashMap::new(),
            };
            spaces.insert(space.id, (row.try_get(1)?, space));
        }
        let all = "SELECT c.space, c.name, c.id, i.name, i.id, i.is_unique
                   FROM collections c LEFT JOIN indexes i ON i.collection = c.id";
        for row in client.query(all, &[]).await? {
            let Some((_, space)) = spaces.get_mut(&row.try_get(0)?) else { continue };
            let collection = space.collections.entry(row.try_get(1)?).or_default();
            collection.id = row.try_get(2)?;
            if let Some(name) = row.try_get::<_, Option<String>>(3)? {
                collection.indexes.insert(name, Index { id: row.try_get(4)?, unique: row.try_get(5)? });
            }
        }
        for row in client.query("SELECT space, name, id, fields FROM tally_kinds", &[]).await? {
            let Some((_, space)) = spaces.get_mut(&row.try_get(0)?) else { continue };
            let fields: Vec<String> = row.try_get(3)?;
            space.tallies.insert(row.try_get(1)?, TallyKind { id: row.try_get(2)?, fields: fields.into() });
        }
        Ok(Self { spaces: spaces.into_values().collect() })
    }
}

fn undeclared(space: &str, kind: &str, name: &str) -> StoreError {
    StoreError::Undeclared { space: space.to_owned(), what: format!("{kind} {name}") }
}

/// Makes room for what a space declares, and remembers the declaration. The writers' lock is held.
pub(crate) async fn declare(
    transaction: &Transaction<'_>,
    space: &SpaceDeclaration,
    json: &str,
    phase: Phase,
) -> Result<(), Error> {
    let add = "INSERT INTO spaces (name) VALUES ($1) ON CONFLICT DO NOTHING";
    transaction.execute(add, &[&space.name]).await?;
    let find = "SELECT id, settled, begun FROM spaces WHERE name = $1";
    let row = transaction.query_one(find, &[&space.name]).await?;
    let id: i32 = row.try_get(0)?;
    let (settled, begun): (Option<String>, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
    for collection in &space.collections {
        let add = "INSERT INTO collections (space, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        transaction.execute(add, &[&id, &collection.name]).await?;
        for index in &collection.indexes {
            let add = "INSERT INTO indexes (collection, name, is_unique)
                       SELECT id, $3, $4 FROM collections WHERE space = $1 AND name = $2
                       ON CONFLICT (collection, name) DO UPDATE SET is_unique = excluded.is_unique";
            transaction.execute(add, &[&id, &collection.name, &index.name, &index.unique]).await?;
        }
    }
    for tally in &space.tallies {
        // A process of an older release that starts later does not take away the fields of the newer one.
        let add = "INSERT INTO tally_kinds (space, name, fields) VALUES ($1, $2, $3)
                   ON CONFLICT (space, name) DO UPDATE SET fields = excluded.fields
                   WHERE cardinality(excluded.fields) > cardinality(tally_kinds.fields)";
        transaction.execute(add, &[&id, &tally.name, &tally.fields]).await?;
    }
    // A second process of the same release begins the same rewriting: that shuts nobody out.
    let known = begun.as_deref() == Some(json) || (begun.is_none() && settled.as_deref() == Some(json));
    let remember = match phase {
        Phase::Begin if known => "UPDATE spaces SET begun = $2, schema = $3 WHERE id = $1",
        Phase::Begin => {
            "UPDATE spaces SET begun = $2, schema = $3, generation = generation + 1 WHERE id = $1"
        }
        Phase::Settle => "UPDATE spaces SET settled = $2, begun = NULL, schema = $3 WHERE id = $1",
    };
    let schema = i32::try_from(space.schema).unwrap_or(i32::MAX);
    transaction.execute(remember, &[&id, &json, &schema]).await.map(drop)
}
