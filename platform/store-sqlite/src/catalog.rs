//! Numbers of spaces, collections, indexes and tallies: kept in memory, grown when a space is declared.

use emporia_store::{Declared, Phase, SpaceDeclaration, StoreError};
use rusqlite::{Connection, Transaction};
use std::{collections::HashMap, sync::Arc};

#[derive(Debug, Default, Clone)]
pub(crate) struct Catalog {
    spaces: HashMap<String, Space>,
}

#[derive(Debug, Default, Clone)]
struct Space {
    declared: Declared,
    collections: HashMap<String, Collection>,
    tallies: HashMap<String, TallyKind>,
}

#[derive(Debug, Clone)]
pub(crate) struct Collection {
    pub(crate) id: i64,
    pub(crate) indexes: HashMap<String, Index>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Index {
    pub(crate) id: i64,
    pub(crate) unique: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct TallyKind {
    pub(crate) id: i64,
    pub(crate) fields: Arc<[String]>,
}

impl Catalog {
    pub(crate) fn declared(&self, space: &str) -> Declared {
        self.spaces.get(space).map(|space| space.declared.clone()).unwrap_or_default()
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

    /// Reads everything that the file knows.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut catalog = Self::default();
        let mut spaces = connection.prepare("SELECT id, name, settled, begun FROM spaces")?;
        let mut rows = spaces.query([])?;
        while let Some(row) = rows.next()? {
            let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
            let declaration = |column| {
                let json: Option<String> = row.get(column)?;
                json.map(|json| from_json(&json)).transpose()
            };
            let declared = Declared { settled: declaration(2)?, begun: declaration(3)? };
            let (collections, tallies) = (load_collections(connection, id)?, load_tallies(connection, id)?);
            catalog.spaces.insert(name, Space { declared, collections, tallies });
        }
        Ok(catalog)
    }
}

fn undeclared(space: &str, kind: &str, name: &str) -> StoreError {
    StoreError::Undeclared { space: space.to_owned(), what: format!("{kind} {name}") }
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn to_json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn load_collections(connection: &Connection, space: i64) -> rusqlite::Result<HashMap<String, Collection>> {
    let mut found = HashMap::new();
    let mut collections = connection.prepare_cached("SELECT id, name FROM collections WHERE space = ?1")?;
    let mut rows = collections.query([space])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let mut indexes =
            connection.prepare_cached("SELECT id, name, is_unique FROM indexes WHERE collection = ?1")?;
        let indexes = indexes.query_map([id], |row| {
            Ok((row.get::<_, String>(1)?, Index { id: row.get(0)?, unique: row.get(2)? }))
        })?;
        found.insert(row.get(1)?, Collection { id, indexes: indexes.collect::<Result<_, _>>()? });
    }
    Ok(found)
}

fn load_tallies(connection: &Connection, space: i64) -> rusqlite::Result<HashMap<String, TallyKind>> {
    let mut found = HashMap::new();
    let mut tallies =
        connection.prepare_cached("SELECT id, name, fields FROM tally_kinds WHERE space = ?1")?;
    let mut rows = tallies.query([space])?;
    while let Some(row) = rows.next()? {
        let fields: Vec<String> = from_json(&row.get::<_, String>(2)?)?;
        found.insert(row.get(1)?, TallyKind { id: row.get(0)?, fields: fields.into() });
    }
    Ok(found)
}

/// Makes room for what a space declares, and remembers the declaration.
pub(crate) fn declare(
    transaction: &Transaction<'_>,
    space: &SpaceDeclaration,
    phase: Phase,
) -> rusqlite::Result<()> {
    transaction.execute("INSERT INTO spaces (name) VALUES (?1) ON CONFLICT DO NOTHING", [&space.name])?;
    let id: i64 =
        transaction.query_row("SELECT id FROM spaces WHERE name = ?1", [&space.name], |row| row.get(0))?;
    for collection in &space.collections {
        let collection_id = collection_number(transaction, id, &collection.name)?;
        for index in &collection.indexes {
            transaction.execute(
                "INSERT INTO indexes (collection, name, is_unique) VALUES (?1, ?2, ?3)
                 ON CONFLICT (collection, name) DO UPDATE SET is_unique = excluded.is_unique",
                (collection_id, &index.name, index.unique),
            )?;
        }
    }
    for tally in &space.tallies {
        transaction.execute(
            "INSERT INTO tally_kinds (space, name, fields) VALUES (?1, ?2, ?3)
             ON CONFLICT (space, name) DO UPDATE SET fields = excluded.fields",
            (id, &tally.name, to_json(&tally.fields)?),
        )?;
    }
    let remember = match phase {
        Phase::Begin => "UPDATE spaces SET begun = ?2 WHERE id = ?1",
        Phase::Settle => "UPDATE spaces SET settled = ?2, begun = NULL WHERE id = ?1",
    };
    transaction.execute(remember, (id, to_json(space)?)).map(drop)
}

fn collection_number(transaction: &Transaction<'_>, space: i64, name: &str) -> rusqlite::Result<i64> {
    let add = "INSERT INTO collections (space, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    transaction.execute(add, (space, name))?;
    let find = "SELECT id FROM collections WHERE space = ?1 AND name = ?2";
    transaction.query_row(find, (space, name), |row| row.get(0))
}
