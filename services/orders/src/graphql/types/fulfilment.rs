use super::{GraphFulfilmentState, line::count};
use crate::model;
use async_graphql::{ID, SimpleObject};
use emporia_subgraph::{DateTime, GraphMoney};

/// What leaves one location together.
#[derive(Debug, Clone, SimpleObject)]
pub struct Fulfilment {
    /// The fulfilment.
    id: ID,
    /// Where it stands.
    state: GraphFulfilmentState,
    /// Key of the location.
    location: String,
    /// What.
    lines: Vec<FulfilmentLine>,
    /// Carrier.
    carrier: Option<String>,
    /// Tracking number.
    tracking_number: Option<String>,
    /// When it was planned.
    created_at: DateTime,
    /// When it left.
    shipped_at: Option<DateTime>,
    /// When it arrived.
    delivered_at: Option<DateTime>,
}

/// Units of one order line.
#[derive(Debug, Clone, SimpleObject)]
pub struct FulfilmentLine {
    /// The line.
    order_line_id: ID,
    /// How many.
    quantity: i32,
}

impl From<model::Fulfilment> for Fulfilment {
    fn from(f: model::Fulfilment) -> Self {
        let line = |l: &model::LineCount| FulfilmentLine {
            order_line_id: l.line.to_string().into(),
            quantity: count(l.units),
        };
        Self {
            id: f.id.to_string().into(),
            state: f.state.into(),
            location: f.location.to_string(),
            lines: f.lines.iter().map(line).collect(),
            carrier: f.carrier,
            tracking_number: f.tracking_number,
            created_at: f.created_at.into(),
            shipped_at: f.shipped_at.map(Into::into),
            delivered_at: f.delivered_at.map(Into::into),
        }
    }
}

/// What came back.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderReturn {
    /// The return.
    id: ID,
    /// What was given back in all.
    refund: Option<GraphMoney>,
    /// When.
    at: DateTime,
}

impl From<model::ReturnDocument> for OrderReturn {
    fn from(r: model::ReturnDocument) -> Self {
        Self { id: r.id.to_string().into(), refund: r.refund.map(Into::into), at: r.at.into() }
    }
}
