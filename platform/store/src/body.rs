use crate::Document;
use std::{any::Any, fmt, ops::Deref, sync::Arc};

/// A document's JSON and, where this process has it already, the value of which it is the JSON.
#[derive(Clone)]
pub struct Body {
    json: Arc<str>,
    value: Option<Arc<dyn Any + Send + Sync>>,
}

impl Body {
    /// The JSON of a document.
    ///
    /// # Errors
    /// What serde says of a document that has no JSON form.
    pub(crate) fn of<T: Document>(document: &T) -> serde_json::Result<Self> {
        Ok(Self { json: serde_json::to_string(document)?.into(), value: Some(Arc::new(document.clone())) })
    }

    /// The same JSON, of which `document` is known to be the value.
    pub(crate) fn known<T: Document>(&mut self, document: &T) {
        self.value = Some(Arc::new(document.clone()));
    }

    /// The document, if it is here as it was written.
    pub(crate) fn value<T: Document>(&self) -> Option<T> {
        let value = self.value.as_ref()?.downcast_ref::<T>()?.clone();
        // What is in memory must be what a reading from the store would give.
        #[cfg(debug_assertions)]
        if let Ok(read) = serde_json::from_str::<T>(self) {
            let (read, kept) = (serde_json::to_string(&read).ok(), serde_json::to_string(&value).ok());
            assert_eq!(read, kept, "a {} changes when it is stored and read", T::COLLECTION);
        }
        Some(value)
    }
}

impl From<String> for Body {
    fn from(json: String) -> Self {
        Self { json: json.into(), value: None }
    }
}

impl Deref for Body {
    type Target = str;

    fn deref(&self) -> &str {
        &self.json
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(f)
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for Body {}
