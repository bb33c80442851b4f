use crate::{
    CollectionDeclaration, Document, IndexDeclaration, IndexEntry, Key, SpaceDeclaration, StoreError,
    TallyDeclaration, limits, once::OnceRecord,
};
use jiff::Timestamp;
use serde_json::Value;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Brings a document of a collection forward by one schema number, or says why that is not possible.
pub type Forward = Arc<dyn Fn(&str, Value) -> Result<Value, String> + Send + Sync>;

/// What a space holds: its collections with their indexes, its tallies, and how older documents are brought forward.
///
/// Collections whose names begin with `_` are the platform's own (idempotency records, positions of consumers): they
/// take no part in the schema number and its migrations.
#[derive(Clone)]
pub struct SpaceSchema {
    name: String,
    schema: u32,
    collections: Vec<Collection>,
    tallies: Vec<TallyDeclaration>,
    forwards: BTreeMap<u32, Forward>,
    problem: Option<String>,
}

#[derive(Clone)]
struct Collection {
    name: &'static str,
    indexes: Vec<IndexDeclaration>,
    examine: Examine,
    testimony: Testimony,
}

/// What a witness may tell of the documents of a collection ([`crate::Witness`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Testimony {
    /// Everything.
    #[default]
    Whole,
    /// That these fields changed, and not what they hold.
    Without(&'static [&'static str]),
    /// That something changed, and not even where: the keys are secrets too.
    Nothing,
}

/// Reads a body as the collection's type and answers what an engine has to know of it.
type Examine = fn(&str) -> Result<Examined, String>;

pub(crate) struct Examined {
    pub(crate) key: Key,
    pub(crate) entries: Vec<IndexEntry>,
    pub(crate) expires: Option<Timestamp>,
}

fn examine<T: Document>(body: &str) -> Result<Examined, String> {
    let value: T = serde_json::from_str(body).map_err(|error| error.to_string())?;
    Ok(Examined { key: value.key(), entries: value.index(), expires: value.expires_at() })
}

impl SpaceSchema {
    /// A space without collections, at schema number 1. Names are lower-case letters, digits, `-` and `_`.
    pub fn new(name: impl Into<String>) -> Self {
        let empty = Self {
            name: name.into(),
            schema: 1,
            collections: Vec::new(),
            tallies: Vec::new(),
            forwards: BTreeMap::new(),
            problem: None,
        };
        empty.collection::<OnceRecord>()
    }

    /// The schema number that documents are written in from now on. Raise it with every change of form that older
    /// documents do not fit, and say with [`SpaceSchema::migrate`] how they are brought forward.
    #[must_use]
    pub fn schema(mut self, number: u32) -> Self {
        self.schema = number;
        self
    }

    /// A collection of documents of type `T`. Indexes declared next belong to it.
    #[must_use]
    pub fn collection<T: Document>(mut self) -> Self {
        if self.collections.iter().any(|c| c.name == T::COLLECTION) {
            self.object(format!("collection {} is declared twice", T::COLLECTION));
        }
        self.collections.push(Collection {
            name: T::COLLECTION,
            indexes: Vec::new(),
            examine: examine::<T>,
            testimony: Testimony::Whole,
        });
        self
    }

    /// What may be told of the documents of the collection declared last; everything, when nothing is said.
    #[must_use]
    pub fn testimony(mut self, testimony: Testimony) -> Self {
        match self.collections.last_mut() {
            Some(collection) => collection.testimony = testimony,
            None => self.object("testimony comes after a collection".to_owned()),
        }
        self
    }

    /// An index of the collection declared last.
    #[must_use]
    pub fn index(self, name: &str) -> Self {
        self.add_index(name, false)
    }

    /// An index of the collection declared last in which every entry belongs to one document only.
    #[must_use]
    pub fn unique(self, name: &str) -> Self {
        self.add_index(name, true)
    }

    /// Revision of the index declared last; raise it when its entries are computed differently, and the index is
    /// built again when the store is opened.
    #[must_use]
    pub fn revision(mut self, revision: u32) -> Self {
        match self.collections.last_mut().and_then(|c| c.indexes.last_mut()) {
            Some(index) => index.revision = revision,
            None => self.object("revision comes after an index".to_owned()),
        }
        self
    }

    fn add_index(mut self, name: &str, unique: bool) -> Self {
        match self.collections.last_mut() {
            Some(collection) if collection.indexes.iter().any(|i| i.name == name) => {
                let problem = format!("index {name} of {} is declared twice", collection.name);
                self.object(problem);
            }
            Some(collection) => {
                collection.indexes.push(IndexDeclaration { name: name.to_owned(), unique, revision: 1 });
            }
            None => self.object(format!("index {name} comes before any collection")),
        }
        self
    }

    /// A kind of tally with its fields (at most 8). Later releases may add fields at the end.
    #[must_use]
    pub fn tally(mut self, name: &str, fields: &[&str]) -> Self {
        let twice = fields.iter().enumerate().any(|(i, field)| fields.iter().take(i).any(|f| f == field));
        if self.tallies.iter().any(|t| t.name == name) {
            self.object(format!("tally {name} is declared twice"));
        } else if fields.is_empty() || fields.len() > limits::TALLY_FIELDS || twice {
            self.object(format!("tally {name} needs 1 to {} different fields", limits::TALLY_FIELDS));
        }
        let fields = fields.iter().map(|f| (*f).to_owned()).collect();
        self.tallies.push(TallyDeclaration { name: name.to_owned(), fields });
        self
    }

    /// How a document of schema `to - 1` becomes one of schema `to`. The function gets the collection's name.
    #[must_use]
    pub fn migrate(
        mut self,
        to: u32,
        forward: impl Fn(&str, Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        if self.forwards.insert(to, Arc::new(forward)).is_some() {
            self.object(format!("migration {to} is declared twice"));
        }
        self
    }

    /// Adds what another crate declares, such as the positions of consumers.
    #[must_use]
    pub fn with(self, add: impl FnOnce(Self) -> Self) -> Self {
        add(self)
    }

    /// Name of the space.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The present schema number.
    pub fn number(&self) -> u32 {
        self.schema
    }

    fn object(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        let reason = if let Some(problem) = &self.problem {
            problem.clone()
        } else if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(plain) {
            "a space's name is 1 to 64 lower-case letters, digits, - and _".to_owned()
        } else if self.schema == 0 {
            "schema numbers begin with 1".to_owned()
        } else if let Some(gap) = (2..=self.schema).find(|to| !self.forwards.contains_key(to)) {
            format!("there is no migration to schema {gap}")
        } else if let Some(high) = self.forwards.keys().find(|to| **to < 2 || **to > self.schema) {
            format!("there is a migration to schema {high}, outside 2 to {}", self.schema)
        } else {
            return Ok(());
        };
        Err(StoreError::BadSchema { space: self.name.clone(), reason })
    }

    pub(crate) fn declaration(&self) -> SpaceDeclaration {
        let collections = self.collections.iter();
        SpaceDeclaration {
            name: self.name.clone(),
            schema: self.schema,
            collections: collections
                .map(|c| CollectionDeclaration { name: c.name.to_owned(), indexes: c.indexes.clone() })
                .collect(),
            tallies: self.tallies.clone(),
        }
    }

    fn find(&self, collection: &str) -> Result<&Collection, StoreError> {
        let found = self.collections.iter().find(|c| c.name == collection);
        found.ok_or_else(|| self.undeclared(format!("collection {collection}")))
    }

    pub(crate) fn undeclared(&self, what: String) -> StoreError {
        StoreError::Undeclared { space: self.name.clone(), what }
    }

    pub(crate) fn indexes(&self, collection: &str) -> Result<&[IndexDeclaration], StoreError> {
        self.find(collection).map(|c| c.indexes.as_slice())
    }

    pub(crate) fn testimony_of(&self, collection: &str) -> Result<Testimony, StoreError> {
        self.find(collection).map(|c| c.testimony)
    }

    pub(crate) fn check_index(&self, collection: &str, index: &str) -> Result<(), StoreError> {
        match self.indexes(collection)?.iter().any(|i| i.name == index) {
            true => Ok(()),
            false => Err(self.undeclared(format!("index {index} of {collection}"))),
        }
    }

    pub(crate) fn check_tally<'a>(
        &self,
        tally: &str,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        let found = self.tallies.iter().find(|t| t.name == tally);
        let declared = found.ok_or_else(|| self.undeclared(format!("tally {tally}")))?;
        match fields.into_iter().find(|field| !declared.fields.iter().any(|f| f == field)) {
            None => Ok(()),
            Some(field) => Err(self.undeclared(format!("field {field} of tally {tally}"))),
        }
    }

    /// Reads a body of the present schema as its collection's type.
    pub(crate) fn examine(&self, key: &Key, body: &str) -> Result<Examined, StoreError> {
        (self.find(key.collection())?.examine)(body)
            .map_err(|reason| StoreError::Undecodable { key: Box::new(key.clone()), reason })
    }

    /// The JSON of a document written under an older schema in the form of the present one; none if it has it.
    pub(crate) fn forward(&self, key: &Key, schema: u32, body: &str) -> Result<Option<String>, StoreError> {
        if schema >= self.schema || is_platform(key.collection()) {
            return Ok(None);
        }
        let undecodable = |reason: String| StoreError::Undecodable { key: Box::new(key.clone()), reason };
        let mut value: Value = serde_json::from_str(body).map_err(|error| undecodable(error.to_string()))?;
        for (to, forward) in self.forwards.range(schema + 1..=self.schema) {
            value = forward(key.collection(), value)
                .map_err(|reason| undecodable(format!("migration to schema {to}: {reason}")))?;
        }
        Ok(Some(value.to_string()))
    }
}

pub(crate) fn is_platform(collection: &str) -> bool {
    collection.starts_with('_')
}

impl fmt::Debug for SpaceSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SpaceSchema").field(&self.declaration()).finish()
    }
}
