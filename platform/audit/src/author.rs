use crate::{
    difference::patches,
    entry::{Changed, Entry, WriteRecorded},
};
use emporia_events::{EventMeta, envelope};
use emporia_id::{Ids, SystemClock};
use emporia_store::{Change, StoreError, Testimony, Tx, Witness, witnessed};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// What stands for a value that is not told.
const UNTOLD: &str = "(not recorded)";

static IDS: LazyLock<Ids> = LazyLock::new(|| Ids::random(Arc::new(SystemClock)));

/// In whose name, and by what, something is written.
#[derive(Debug, Clone)]
pub struct Author {
    who: String,
    operation: String,
    correlation_id: String,
    silent: bool,
}

impl Author {
    /// `who` as events name him (`operator/…`), `operation` as he called it (a mutation's name, a command), and what
    /// ties together everything that comes of it.
    pub fn new(
        who: impl Into<String>,
        operation: impl Into<String>,
        correlation_id: impl Into<String>,
    ) -> Self {
        Self {
            who: who.into(),
            operation: operation.into(),
            correlation_id: correlation_id.into(),
            silent: false,
        }
    }

    /// Leaves no entry of a transaction of which there is nothing to tell: it only wrote what is kept untold, such as
    /// sessions.
    #[must_use]
    pub fn silent_on_the_untold(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Does the work in this name: every transaction that it commits carries an entry of what it changed.
    pub async fn writes<F: Future>(self, work: F) -> F::Output {
        witnessed(Arc::new(self), work).await
    }
}

impl Witness for Author {
    fn see(&self, tx: &Tx, changes: Vec<Change>) -> Result<(), StoreError> {
        if self.silent && !changes.iter().any(is_told) {
            return Ok(());
        }
        let entry = Entry {
            id: IDS.next_uuid(),
            at: tx.clock().now(),
            who: self.who.clone(),
            operation: self.operation.clone(),
            correlation_id: self.correlation_id.clone(),
            space: tx.space().to_owned(),
            changes: changes.into_iter().filter_map(changed).collect(),
        }
        .fitted();
        let meta = EventMeta::new(&*self.correlation_id, &*self.who);
        let told = WriteRecorded { entry: entry.id, space: entry.space.clone(), hash: entry.hash()? };
        tx.insert(&entry)?;
        tx.emit(envelope(&told, &meta, &IDS, tx.clock().as_ref())?)
    }
}

fn is_told(change: &Change) -> bool {
    matches!(
        change,
        Change::Document { testimony: Testimony::Whole | Testimony::Without(_), .. } | Change::Tally { .. }
    )
}

/// A change as an entry has it; none of a document that was written as it was.
fn changed(change: Change) -> Option<Changed> {
    match change {
        Change::Document { key, testimony: Testimony::Nothing, .. } => {
            let (before, after) = (None, Some(json!(UNTOLD)));
            Some(Changed { subject: key.collection().to_owned(), before, after })
        }
        Change::Document { key, testimony, before, after } => {
            let untold: &[&str] = match testimony {
                Testimony::Without(fields) => fields,
                _ => &[],
            };
            let (before, after) = patches(before, after)?;
            let [before, after] = [before, after].map(|patch| patch.map(|patch| without(patch, untold)));
            Some(Changed { subject: key.to_string(), before, after })
        }
        Change::Tally { key, added } => {
            let added = added.into_iter().filter(|(_, amount)| *amount != 0);
            let added: serde_json::Map<String, Value> =
                added.map(|(field, amount)| (field, json!(format!("{amount:+}")))).collect();
            let subject = key.to_string();
            (!added.is_empty()).then(|| Changed { subject, before: None, after: Some(Value::Object(added)) })
        }
        Change::Event { detail_type, subject, .. } => {
            Some(Changed { subject, before: None, after: Some(json!({ "event": detail_type })) })
        }
    }
}

/// The patch, with the names of what is not told and whether there is something.
fn without(mut patch: Value, untold: &[&str]) -> Value {
    if let Value::Object(fields) = &mut patch {
        for (field, value) in fields.iter_mut() {
            if untold.contains(&field.as_str()) && !value.is_null() {
                *value = json!(UNTOLD);
            }
        }
    }
    patch
}
