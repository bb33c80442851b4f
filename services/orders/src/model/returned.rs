use super::external_key;
use emporia_contracts::{
    ids::{CustomerId, OrderId, ReturnId},
    orders::ReturnedLine,
    values::{ChannelKey, ExternalId, LocationKey},
};
use emporia_money::Money;
use emporia_store::{Document, IndexEntry, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A return as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnDocument {
    /// The return.
    pub id: ReturnId,
    /// The source's id.
    pub external_id: ExternalId,
    /// Hash of what was reported.
    pub fingerprint: String,
    /// The order; absent in a blind return.
    pub order: Option<OrderId>,
    /// Where.
    pub channel: ChannelKey,
    /// Who, when known.
    pub customer: Option<CustomerId>,
    /// To which location.
    pub location: LocationKey,
    /// What.
    pub lines: Vec<ReturnedLine>,
    /// What is given back in all.
    pub refund: Option<Money>,
    /// When.
    pub at: Timestamp,
}

impl ReturnDocument {
    pub(crate) fn key_of(order: Option<OrderId>, id: ReturnId) -> Key {
        let partition = order.map_or_else(|| id.to_string(), |order| order.to_string());
        Key::of(Self::COLLECTION, partition).child(id.to_string())
    }
}

impl Document for ReturnDocument {
    const COLLECTION: &'static str = "return";

    fn key(&self) -> Key {
        Self::key_of(self.order, self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("return_external_id", external_key(&self.channel, &self.external_id))]
    }
}
