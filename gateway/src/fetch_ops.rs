//! The operations of a plan, prepared for the subgraphs.

use std::collections::HashMap;

use async_graphql::{Name, parser::parse_query};
use hive_router_query_planner::{
    ast::operation::SubgraphFetchOperation,
    planner::plan_nodes::{PlanNode, QueryPlan},
    utils::parsing::safe_parse_operation,
};

use crate::{
    access::{Access, OperationAccess},
    error::{ErrorCode, GatewayError},
    operation,
    subgraph::{EntityField, FetchOp},
};

/// The variable of the representations of a plain `_entities` fetch.
pub(crate) const REPRESENTATIONS: &str = "representations";

/// Every operation of a plan, and what they demand of the caller.
pub(crate) struct FetchOps<'a> {
    access: &'a Access,
    /// By the planner's hash of the operation.
    pub(crate) operations: HashMap<u64, FetchOp>,
    /// What the whole plan demands.
    pub(crate) demands: OperationAccess,
    when: Vec<(Name, bool)>,
}

impl<'a> FetchOps<'a> {
    /// `demands` is what the client's operation demands; what the plan reads beyond it is added.
    pub(crate) fn of(
        plan: &QueryPlan,
        access: &'a Access,
        demands: OperationAccess,
    ) -> Result<Self, GatewayError> {
        let mut ops = Self { access, operations: HashMap::new(), demands, when: vec![] };
        if let Some(node) = &plan.node {
            ops.node(node)?;
        }
        Ok(ops)
    }

    fn node(&mut self, node: &PlanNode) -> Result<(), GatewayError> {
        match node {
            PlanNode::Fetch(fetch) => {
                let entities = fetch
                    .requires
                    .iter()
                    .map(|_| EntityField { key: "_entities".into(), variable: Name::new(REPRESENTATIONS) });
                self.add(&fetch.operation, entities.collect())
            }
            PlanNode::BatchFetch(fetch) => {
                let entities = fetch.entity_batch.aliases.iter().map(|a| EntityField {
                    key: a.alias.clone(),
                    variable: Name::new(&a.representations_variable_name),
                });
                self.add(&fetch.operation, entities.collect())
            }
            PlanNode::Subscription(subscription) => self.add(&subscription.primary.operation, vec![]),
            PlanNode::Flatten(flatten) => self.node(&flatten.node),
            PlanNode::Sequence(sequence) => sequence.nodes.iter().try_for_each(|n| self.node(n)),
            PlanNode::Parallel(parallel) => parallel.nodes.iter().try_for_each(|n| self.node(n)),
            PlanNode::Condition(condition) => {
                let clauses = [(&condition.if_clause, true), (&condition.else_clause, false)];
                for (clause, at) in clauses {
                    let Some(clause) = clause else { continue };
                    self.when.push((Name::new(&condition.condition), at));
                    self.node(clause)?;
                    self.when.pop();
                }
                Ok(())
            }
            PlanNode::Defer(_) => {
                Err(GatewayError::new(ErrorCode::GraphqlValidationFailed, "@defer is not supported."))
            }
        }
    }

    fn add(
        &mut self,
        operation: &SubgraphFetchOperation,
        entities: Vec<EntityField>,
    ) -> Result<(), GatewayError> {
        let op = prepare(operation, entities, self.access)?;
        self.demands.absorb(&op.access, &self.when);
        self.operations.insert(operation.hash, op);
        Ok(())
    }
}

fn prepare(
    operation: &SubgraphFetchOperation,
    entities: Vec<EntityField>,
    access: &Access,
) -> Result<FetchOp, GatewayError> {
    let fault = |what: String| {
        tracing::error!(operation = %operation.document_str, what, "planned operation cannot be used");
        GatewayError::new(ErrorCode::InternalServerError, "The operation could not be planned.")
    };
    let text = operation.document_str.clone();
    let document = parse_query(&text).map_err(|e| fault(e.to_string()))?;
    let tree = safe_parse_operation(&text).map_err(|e| fault(e.to_string()))?;
    let selected = operation::select(&tree, None).map_err(|e| fault(e.to_string()))?;
    let access = access.of_operation(&tree, selected);
    Ok(FetchOp { text, document, entities, access })
}
