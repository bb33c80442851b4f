use emporia_contracts::values::{CountryCode, TaxCategory};
use emporia_money::Rate;
use emporia_store::{Document, IndexEntry, IndexKey, Key, SpaceSchema};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("tax")
        .with(emporia_subgraph::audit_entries)
        .schema(1)
        .collection::<RateSchedule>()
        .index("schedules")
}

/// A tax rate and when it holds: in [from, until), without an end where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxRate {
    /// The country of taxation.
    pub country: CountryCode,
    /// The class of goods.
    pub category: TaxCategory,
    /// Its name on invoices, such as `DE standard`.
    pub name: String,
    /// The rate.
    pub rate: Rate,
    /// First moment at which it holds; absent: always has.
    pub valid_from: Option<Timestamp>,
    /// First moment at which it no longer holds; absent: until further notice.
    pub valid_until: Option<Timestamp>,
}

impl TaxRate {
    pub(crate) fn holds_at(&self, at: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_until.is_none_or(|until| at < until)
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let before = |a: &Self, b: &Self| matches!((a.valid_until, b.valid_from), (Some(end), Some(begin)) if end <= begin);
        !before(self, other) && !before(other, self)
    }
}

/// All rates of one country and category, in order of time: one document, so that no two definitions can overlap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RateSchedule {
    pub(crate) country: CountryCode,
    pub(crate) category: TaxCategory,
    pub(crate) rates: Vec<TaxRate>,
}

impl RateSchedule {
    pub(crate) fn key_of(country: &CountryCode, category: &TaxCategory) -> Key {
        Key::of(Self::COLLECTION, country.as_str()).child(category.as_str())
    }
}

impl Document for RateSchedule {
    const COLLECTION: &'static str = "schedule";

    fn key(&self) -> Key {
        Self::key_of(&self.country, &self.category)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let key = IndexKey::new().text(self.country.as_str()).text(self.category.as_str());
        vec![IndexEntry::new("schedules", key)]
    }
}
