//! Names of metrics, and labels that clients cannot multiply.

use std::{collections::HashSet, sync::Arc, time::Instant};

use metrics::{counter, gauge, histogram};
use parking_lot::Mutex;

use crate::{error::ErrorCode, response::Response};

/// Operation names are the client's: after so many different ones the rest share a label.
const OPERATION_LABELS: usize = 300;

/// The operation names that have a label of their own.
#[derive(Debug, Default)]
pub(crate) struct OperationLabels(Mutex<HashSet<Arc<str>>>);

impl OperationLabels {
    pub(crate) fn label(&self, name: Option<&str>) -> Arc<str> {
        let Some(name) = name else { return "anonymous".into() };
        let mut known = self.0.lock();
        if let Some(label) = known.get(name) {
            return label.clone();
        }
        if known.len() >= OPERATION_LABELS {
            return "other".into();
        }
        let label: Arc<str> = name.into();
        known.insert(label.clone());
        label
    }
}

/// Counts a request and its duration.
pub(crate) fn request(operation: &Arc<str>, started: Instant, response: &Response) {
    let outcome = response.outcome.as_str();
    counter!("emporia_gateway_requests_total", "operation" => operation.clone(), "outcome" => outcome)
        .increment(1);
    histogram!("emporia_gateway_request_seconds", "operation" => operation.clone()).record(started.elapsed());
}

/// Counts a subscription that began.
pub(crate) fn subscription(operation: &Arc<str>) {
    counter!("emporia_gateway_subscriptions_total", "operation" => operation.clone()).increment(1);
}

/// Counts a question whose answer may be kept: `hit`, `miss`, or `shared` with one that was being answered.
pub(crate) fn cache(result: &'static str) {
    counter!("emporia_gateway_cache_total", "result" => result).increment(1);
}

/// Notes the bytes of all kept answers.
pub(crate) fn cache_bytes(bytes: u64) {
    gauge!("emporia_gateway_cache_bytes").set(bytes as f64);
}

/// Counts answers that were dropped because something in them changed.
pub(crate) fn purged(answers: usize) {
    counter!("emporia_gateway_cache_purged_total").increment(answers as u64);
}

/// Counts a request that never became an operation.
pub(crate) fn refused(code: &str) {
    counter!("emporia_gateway_refused_total", "code" => code.to_owned()).increment(1);
}

pub(crate) fn subgraph_call(subgraph: &Arc<str>) {
    counter!("emporia_gateway_subgraph_calls_total", "subgraph" => subgraph.clone()).increment(1);
}

pub(crate) fn subgraph_failure(subgraph: &Arc<str>, code: ErrorCode) {
    counter!("emporia_gateway_subgraph_failures_total", "subgraph" => subgraph.clone(), "code" => code.as_str())
        .increment(1);
}
