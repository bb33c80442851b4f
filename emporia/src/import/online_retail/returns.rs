//! Which purchase a returned unit belongs to: decided from the file alone, so that a second run decides the same.

use crate::import::online_retail::Row;
use std::{collections::HashMap, sync::Arc};

/// A line of an order with units that have not come back.
#[derive(Debug, Clone)]
struct Bought {
    invoice: Arc<str>,
    line: usize,
    left: i64,
}

/// What every customer bought so far.
#[derive(Default)]
pub(crate) struct Purchases(HashMap<(u32, Arc<str>), Vec<Bought>>);

/// Units of a return row and where they belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Invoice and place of the line in it; none: a blind return.
    pub(crate) of: Option<(Arc<str>, usize)>,
    pub(crate) units: i64,
}

impl Purchases {
    /// Notes a sold line.
    pub(crate) fn sold(&mut self, row: &Row, line: usize) {
        if let Some(customer) = row.customer {
            let bought = Bought { invoice: row.invoice.clone(), line, left: row.quantity };
            self.0.entry((customer, row.code.clone())).or_default().push(bought);
        }
    }

    /// Splits a returned row: the latest purchases first; what no purchase covers is blind.
    pub(crate) fn returned(&mut self, row: &Row) -> Vec<Part> {
        let mut left = row.quantity.abs();
        let mut parts = vec![];
        let bought = row.customer.and_then(|customer| self.0.get_mut(&(customer, row.code.clone())));
        for line in bought.into_iter().flat_map(|lines| lines.iter_mut().rev()).filter(|line| line.left > 0) {
            let units = line.left.min(left);
            if units == 0 {
                break;
            }
            line.left -= units;
            left -= units;
            parts.push(Part { of: Some((line.invoice.clone(), line.line)), units });
        }
        if left > 0 {
            parts.push(Part { of: None, units: left });
        }
        parts
    }
}
