//! Orders: what was bought, at which price, and what became of it.

mod events;
mod lines;
mod placing;
mod totals;

pub use events::*;
pub use lines::{DeliveryCharge, LineKind, PricedLine};
pub use placing::{
    Difference, DifferenceKind, OrderContact, OrderMode, OrderRefusal, OrderTender, OrderView, Orders,
    PlaceOrder, PlacedOrder, RecordReturn, RecordedReturn, ReturnCondition, ReturnLine, TenderKind,
};
pub use totals::{PricedSnapshot, SnapshotError, TaxTotal, Totals};
