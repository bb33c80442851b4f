//! Histories of other systems, replayed through the same code as live orders.

pub mod online_retail;

use emporia_contracts::values::ExternalId;
use emporia_store::{Document, Key, SpaceSchema};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The key-space of imports: what has no room of its own yet.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("import").with(emporia_audit::recorded).schema(1).collection::<FinanceAdjustment>()
}

/// A booking of the other system's finance that is neither sale nor return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinanceAdjustment {
    /// The source's id.
    pub external_id: ExternalId,
    /// What it says.
    pub text: String,
    /// How much.
    pub amount: emporia_money::Money,
    /// When.
    pub at: Timestamp,
}

impl Document for FinanceAdjustment {
    const COLLECTION: &'static str = "finance-adjustment";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, self.external_id.as_str())
    }
}
