use emporia_contracts::{
    pricing::Price,
    values::{ChannelKey, Sku},
};
use jiff::Timestamp;

/// Where prices come from. Implementations answer from memory: they are asked for every line of every cart and for
/// every tile of a listing, so no call may wait for a disk or a network.
///
/// The service asks its sources in order and takes the first answer; its own table comes last.
pub trait PriceSource: Send + Sync {
    /// The price of a SKU in a channel at a moment; `None` leaves the question to the next source.
    fn price(&self, channel: &ChannelKey, sku: &Sku, at: Timestamp) -> Option<Price>;

    /// The prices of many SKUs, in their order. Implementations that lock something do so once here.
    fn prices(&self, channel: &ChannelKey, skus: &[Sku], at: Timestamp) -> Vec<Option<Price>> {
        skus.iter().map(|sku| self.price(channel, sku, at)).collect()
    }
}
