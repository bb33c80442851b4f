//! Runs a plan.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU32, Ordering},
};

use async_graphql::{Name, Value, Variables};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use hive_router_query_planner::planner::plan_nodes::{
    BatchFetchNode, FetchNode, FlattenNodePathSegment, PlanNode,
};
use indexmap::IndexMap;
use parking_lot::Mutex;
use tracing::Instrument;

use crate::{
    cache::TagSet,
    caller::Caller,
    error::ErrorCode,
    fetch_ops::REPRESENTATIONS,
    gateway::Inner,
    merge::{Entities, Merge, State},
    plan::Plan,
    representations::Representations,
    subgraph::{FetchOp, SubResponse},
    telemetry,
};

/// One run of a plan.
pub(crate) struct Run<'r> {
    pub(crate) gateway: &'r Inner,
    pub(crate) plan: &'r Plan,
    pub(crate) variables: &'r Variables,
    pub(crate) caller: &'r Caller,
    /// Locked to read representations and to merge, never over a call.
    pub(crate) state: Mutex<State>,
    pub(crate) calls: AtomicU32,
    /// What the answer depends on, where that is of interest.
    pub(crate) tags: Option<Mutex<TagSet>>,
}

/// A call that is ready to be made.
struct Job<'r> {
    service: &'r str,
    hash: u64,
    variables: Variables,
    merge: Merge<'r>,
}

impl<'r> Run<'r> {
    pub(crate) fn node<'s>(&'s self, node: &'r PlanNode) -> BoxFuture<'s, ()> {
        Box::pin(async move {
            match node {
                PlanNode::Sequence(sequence) => {
                    for node in &sequence.nodes {
                        self.node(node).await;
                    }
                }
                PlanNode::Parallel(parallel) => {
                    join_all(parallel.nodes.iter().map(|n| self.node(n))).await;
                }
                PlanNode::Condition(condition) => {
                    let given = self.variables.get(&Name::new(&condition.condition));
                    let clause = match given {
                        Some(Value::Boolean(true)) => &condition.if_clause,
                        _ => &condition.else_clause,
                    };
                    if let Some(clause) = clause {
                        self.node(clause).await;
                    }
                }
                PlanNode::Fetch(_) | PlanNode::BatchFetch(_) | PlanNode::Flatten(_) => {
                    // The guard of the lock ends with this statement, before the call.
                    let job = self.job(node);
                    if let Some(job) = job {
                        self.run(job).await;
                    }
                }
                // The event of a subscription is already in the state; `@defer` is refused when planning.
                PlanNode::Subscription(_) | PlanNode::Defer(_) => {}
            }
        })
    }

    async fn run(&self, job: Job<'r>) {
        let Some(op) = self.plan.fetches.get(&job.hash) else { return };
        let span = tracing::debug_span!("subgraph", name = job.service);
        let call = self.call(job.service, op, job.variables);
        let response = if span.is_disabled() { call.await } else { call.instrument(span).await };
        self.state.lock().merge(&self.gateway.planning.schema, response, job.merge);
    }

    async fn call(&self, service: &str, op: &FetchOp, variables: Variables) -> SubResponse {
        let Some((name, subgraph)) = self.gateway.subgraphs.get_key_value(service) else {
            return SubResponse::error(ErrorCode::SubgraphUnavailable, format!("No subgraph {service}."));
        };
        self.calls.fetch_add(1, Ordering::Relaxed);
        telemetry::subgraph_call(name);
        let call = async { subgraph.execute(op, variables, self.caller).await };
        let call = AssertUnwindSafe(call).catch_unwind();
        let limit = self.gateway.planning.config.subgraph_timeout;
        match tokio::time::timeout(limit, call).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => {
                telemetry::subgraph_failure(name, ErrorCode::InternalServerError);
                panicked(name, panic.as_ref())
            }
            Err(_) => {
                telemetry::subgraph_failure(name, ErrorCode::SubgraphTimeout);
                let message = format!("Subgraph {name} did not answer within {} ms.", limit.as_millis());
                SubResponse::error(ErrorCode::SubgraphTimeout, message)
            }
        }
    }

    /// What a fetch node has to ask, or nothing when there is nobody to ask about.
    fn job(&self, node: &'r PlanNode) -> Option<Job<'r>> {
        match node {
            PlanNode::Fetch(fetch) => Some(self.fetch(fetch, &[])),
            PlanNode::Flatten(flatten) => match flatten.node.as_ref() {
                PlanNode::Fetch(fetch) if fetch.requires.is_none() => {
                    Some(self.fetch(fetch, flatten.path.as_slice()))
                }
                PlanNode::Fetch(fetch) => self.entities(fetch, flatten.path.as_slice()),
                PlanNode::BatchFetch(batch) => self.batch(batch),
                _ => None,
            },
            PlanNode::BatchFetch(batch) => self.batch(batch),
            _ => None,
        }
    }

    fn fetch(&self, fetch: &'r FetchNode, path: &'r [FlattenNodePathSegment]) -> Job<'r> {
        Job {
            service: &fetch.service_name,
            hash: fetch.operation.hash,
            variables: self.pick(fetch.variable_usages.iter().flatten()),
            merge: Merge::Root { rewrites: fetch.output_rewrites.as_deref(), path },
        }
    }

    fn entities(&self, fetch: &'r FetchNode, path: &'r [FlattenNodePathSegment]) -> Option<Job<'r>> {
        let requires = fetch.requires.as_ref()?;
        let mut representations = Representations::default();
        let targets = representations.collect(
            &self.gateway.planning.schema,
            &self.state.lock().data,
            path,
            &requires.items,
            fetch.input_rewrites.as_deref(),
        );
        if representations.list.is_empty() {
            return None;
        }
        self.tag(&representations);
        let mut variables = self.pick(fetch.variable_usages.iter().flatten());
        variables.insert(Name::new(REPRESENTATIONS), Value::List(representations.list));
        let entities = Entities {
            key: "_entities",
            rewrites: fetch.output_rewrites.as_deref(),
            targets: vec![(path, targets)],
        };
        let merge = Merge::Entities(vec![entities]);
        Some(Job { service: &fetch.service_name, hash: fetch.operation.hash, variables, merge })
    }

    fn batch(&self, batch: &'r BatchFetchNode) -> Option<Job<'r>> {
        let mut by_variable: IndexMap<&str, Representations> = IndexMap::new();
        let mut merges = vec![];
        let state = self.state.lock();
        for alias in &batch.entity_batch.aliases {
            let representations =
                by_variable.entry(alias.representations_variable_name.as_str()).or_default();
            let mut at_path = |path: &'r [FlattenNodePathSegment]| {
                let schema = &self.gateway.planning.schema;
                let rewrites = alias.input_rewrites.as_deref();
                (path, representations.collect(schema, &state.data, path, &alias.requires.items, rewrites))
            };
            let targets = alias.merge_paths.iter().map(|p| at_path(p.as_slice())).collect();
            merges.push(Entities { key: &alias.alias, rewrites: alias.output_rewrites.as_deref(), targets });
        }
        drop(state);
        if by_variable.values().all(|r| r.list.is_empty()) {
            return None;
        }
        let mut variables = self.pick(batch.variable_usages.iter().flatten());
        for (name, representations) in by_variable {
            self.tag(&representations);
            variables.insert(Name::new(name), Value::List(representations.list));
        }
        let merge = Merge::Entities(merges);
        Some(Job { service: &batch.service_name, hash: batch.operation.hash, variables, merge })
    }

    fn tag(&self, representations: &Representations) {
        let Some(tags) = &self.tags else { return };
        let mut tags = tags.lock();
        for representation in &representations.list {
            self.gateway.planning.tags.of_representation(representation, &mut tags);
        }
    }

    fn pick<'n>(&self, names: impl Iterator<Item = &'n String>) -> Variables {
        pick(self.variables, names)
    }
}

/// The variables with these names.
pub(crate) fn pick<'n>(variables: &Variables, names: impl Iterator<Item = &'n String>) -> Variables {
    let mut picked = Variables::default();
    for name in names.map(Name::new) {
        if let Some(value) = variables.get(&name) {
            picked.insert(name, value.clone());
        }
    }
    picked
}

/// The answer of a subgraph that panicked: its fields are null, the others are not touched.
pub(crate) fn panicked(subgraph: &str, panic: &(dyn std::any::Any + Send)) -> SubResponse {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(subgraph, message, "subgraph panicked");
    SubResponse::error(ErrorCode::InternalServerError, format!("Subgraph {subgraph} panicked."))
}
