//! What a group changes, in columns: each statement gets one array a column and works on all rows at once.

use crate::{
    decide::{Logged, Values},
    entries::Entry,
    prepare::{Place, PreparedPut, TallyPlace},
};
use emporia_store::limits;
use uuid::Uuid;

#[derive(Default)]
pub(crate) struct Changes<'a> {
    pub(crate) puts: Puts<'a>,
    pub(crate) deletes: Places<'a>,
    pub(crate) removed: Entries<'a>,
    pub(crate) added: Entries<'a>,
    pub(crate) tallies: Tallies<'a>,
    pub(crate) subjects: Subjects<'a>,
    pub(crate) log: Log<'a>,
}

impl Changes<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        // Entries change with their documents only, subjects with the log.
        self.puts.places.is_empty()
            && self.deletes.is_empty()
            && self.tallies.kinds.is_empty()
            && self.log.positions.is_empty()
    }
}

#[derive(Default)]
pub(crate) struct Places<'a> {
    pub(crate) collections: Vec<i32>,
    pub(crate) partitions: Vec<&'a str>,
    pub(crate) sorts: Vec<&'a str>,
}

impl<'a> Places<'a> {
    pub(crate) fn push(&mut self, place: &'a Place) {
        self.collections.push(place.collection);
        self.partitions.push(place.key.partition());
        self.sorts.push(place.key.sort());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.collections.is_empty()
    }
}

#[derive(Default)]
pub(crate) struct Puts<'a> {
    pub(crate) places: Places<'a>,
    pub(crate) versions: Vec<i64>,
    pub(crate) schemas: Vec<i32>,
    pub(crate) expires: Vec<Option<i64>>,
    pub(crate) entries: Vec<Option<&'a [u8]>>,
    pub(crate) bodies: Vec<&'a str>,
}

impl<'a> Puts<'a> {
    pub(crate) fn push(&mut self, place: &'a Place, version: i64, put: &'a PreparedPut) {
        self.places.push(place);
        self.versions.push(version);
        self.schemas.push(put.schema);
        self.expires.push(put.expires);
        self.entries.push(put.packed.as_deref());
        self.bodies.push(&put.body);
    }
}

#[derive(Default)]
pub(crate) struct Entries<'a> {
    pub(crate) indexes: Vec<i32>,
    pub(crate) keys: Vec<&'a [u8]>,
    pub(crate) partitions: Vec<&'a str>,
    pub(crate) sorts: Vec<&'a str>,
}

impl<'a> Entries<'a> {
    pub(crate) fn push(&mut self, entry: &'a Entry, place: &'a Place) {
        self.indexes.push(entry.0);
        self.keys.push(&entry.1);
        self.partitions.push(place.key.partition());
        self.sorts.push(place.key.sort());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }
}

#[derive(Default)]
pub(crate) struct Tallies<'a> {
    pub(crate) kinds: Vec<i32>,
    pub(crate) partitions: Vec<&'a str>,
    pub(crate) sorts: Vec<&'a str>,
    pub(crate) fields: [Vec<i64>; limits::TALLY_FIELDS],
}

impl<'a> Tallies<'a> {
    pub(crate) fn push(&mut self, place: &'a TallyPlace, values: &Values) {
        self.kinds.push(place.kind);
        self.partitions.push(place.key.partition());
        self.sorts.push(place.key.sort());
        self.fields.iter_mut().zip(values).for_each(|(column, value)| column.push(*value));
    }
}

#[derive(Default)]
pub(crate) struct Subjects<'a> {
    pub(crate) sources: Vec<&'a str>,
    pub(crate) subjects: Vec<&'a str>,
    pub(crate) sequences: Vec<i64>,
}

impl<'a> Subjects<'a> {
    pub(crate) fn push(&mut self, (source, subject): &(&'a str, &'a str), last: i64) {
        self.sources.push(source);
        self.subjects.push(subject);
        self.sequences.push(last);
    }
}

#[derive(Default)]
pub(crate) struct Log<'a> {
    pub(crate) positions: Vec<i64>,
    pub(crate) ids: Vec<Uuid>,
    pub(crate) sources: Vec<&'a str>,
    pub(crate) detail_types: Vec<&'a str>,
    pub(crate) subjects: Vec<&'a str>,
    pub(crate) sequences: Vec<i64>,
    pub(crate) occurred: Vec<i64>,
    pub(crate) bodies: Vec<&'a str>,
}

impl<'a> Log<'a> {
    pub(crate) fn push(&mut self, logged: &Logged<'a>) {
        self.positions.push(logged.position);
        self.ids.push(logged.event.id);
        self.sources.push(&logged.event.source);
        self.detail_types.push(&logged.event.detail_type);
        self.subjects.push(&logged.event.subject);
        self.sequences.push(logged.sequence);
        self.occurred.push(logged.event.occurred_at.as_millisecond());
        self.bodies.push(logged.event.body.get());
    }
}
