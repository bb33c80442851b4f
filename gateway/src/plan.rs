//! From a document to a plan: parse, measure, validate, plan. Done once per operation and kept.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_graphql::{Name, Value, Variables};
use graphql_tools::{
    parser::parse_query_with_token_limit,
    validation::validate::{ValidationPlan, validate},
};
use hive_router_query_planner::{
    ast::{normalization::normalize_operation, selection_item::SelectionItem},
    planner::{Planner, PlannerError, plan_nodes::QueryPlan},
    utils::cancellation::CancellationToken,
};
use parking_lot::RwLock;

use crate::{
    access::{Access, OperationAccess},
    cache::{Hints, Keeping, Tags},
    config::Config,
    error::{ErrorCode, GatewayError, Location, ResponseError, without_value},
    fetch_ops::FetchOps,
    limits::{self, Costs, Rules},
    operation::{self, Document, Operation, OperationKind},
    project::{Compiler, Shape, condition_variables},
    schema::Schema,
    subgraph::FetchOp,
    telemetry,
};

/// Shapes kept per plan: one for each combination of `@skip`/`@include` variables that is really used.
const SHAPES: usize = 64;

/// What planning needs; shared with the threads that do it.
pub(crate) struct Planning {
    pub(crate) planner: Planner,
    pub(crate) schema: Schema,
    pub(crate) access: Access,
    pub(crate) costs: Costs,
    pub(crate) hints: Hints,
    pub(crate) tags: Tags,
    pub(crate) rules: ValidationPlan,
    pub(crate) labels: telemetry::OperationLabels,
    pub(crate) config: Config,
}

/// Everything about an operation that does not depend on variables and caller.
pub(crate) struct Plan {
    pub(crate) query_plan: QueryPlan,
    pub(crate) kind: OperationKind,
    pub(crate) document: Document,
    pub(crate) operation: Operation,
    pub(crate) fetches: HashMap<u64, FetchOp>,
    pub(crate) access: OperationAccess,
    pub(crate) introspects: bool,
    pub(crate) sized_by_variables: bool,
    /// How long answers may be kept; `None` when they may not.
    pub(crate) keep: Option<Duration>,
    pub(crate) label: Arc<str>,
    root: String,
    condition_variables: Vec<Name>,
    only_shape: OnceLock<Arc<Shape>>,
    shapes: RwLock<HashMap<Vec<bool>, Arc<Shape>>>,
}

impl Plan {
    /// The type of the root fields.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// A variable with a default may be nullable and still stand in `@skip(if:)`. A null there is neither true nor
    /// false, and no two parts of a federation need agree on what it means.
    pub(crate) fn check_conditions(&self, variables: &Variables) -> Result<(), GatewayError> {
        let unclear = |name: &&Name| !matches!(variables.get(*name), Some(Value::Boolean(_)));
        match self.condition_variables.iter().find(unclear) {
            None => Ok(()),
            Some(name) => {
                let message =
                    format!("Variable \"${name}\" is a condition of @skip or @include and must not be null.");
                Err(GatewayError::new(ErrorCode::BadUserInput, message))
            }
        }
    }

    /// The shape of the response with these variables.
    pub(crate) fn shape(&self, schema: &Schema, variables: &Variables) -> Arc<Shape> {
        let compile = || {
            let set = operation::selection_set(&self.operation);
            Compiler::new(schema, &self.document, variables).shape(&self.root, &[set])
        };
        if self.condition_variables.is_empty() {
            return self.only_shape.get_or_init(compile).clone();
        }
        let is_true = |name| matches!(variables.get(name), Some(Value::Boolean(true)));
        let key: Vec<bool> = self.condition_variables.iter().map(is_true).collect();
        if let Some(known) = self.shapes.read().get(&key) {
            return known.clone();
        }
        let shape = compile();
        let mut shapes = self.shapes.write();
        if shapes.len() < SHAPES {
            shapes.insert(key, shape.clone());
        }
        shape
    }
}

impl Planning {
    /// What operations are measured by.
    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules { schema: &self.schema, costs: &self.costs, limits: &self.config.limits }
    }

    /// Works out the plan. Takes time: runs on a thread for such work.
    pub(crate) fn plan(&self, query: &str, operation_name: Option<&str>) -> Result<Plan, Vec<ResponseError>> {
        let one = |error: GatewayError| vec![error.into()];
        let document = self.parse(query)?;
        let operation = operation::select(&document, operation_name).map_err(one)?.clone();
        let sized_by_variables = self.measure(&document).map_err(one)?;
        self.validate(&document)?;

        let kind = operation::kind(&operation);
        let root = match kind {
            OperationKind::Query => Some(&self.schema.query),
            OperationKind::Mutation => self.schema.mutation.as_ref(),
            OperationKind::Subscription => self.schema.subscription.as_ref(),
        };
        let Some(root) = root.cloned() else {
            let message = format!("The schema has no {kind:?} type.");
            return Err(one(GatewayError::new(ErrorCode::GraphqlValidationFailed, message)));
        };
        let (query_plan, introspects) = self.query_plan(&document, operation_name).map_err(one)?;
        if introspects && !self.config.introspection {
            let message = "Introspection is switched off.";
            return Err(one(GatewayError::new(ErrorCode::IntrospectionDisabled, message)));
        }
        let demands = self.access.of_operation(&document, &operation);
        let ops = FetchOps::of(&query_plan, &self.access, demands).map_err(one)?;
        let keeping = Keeping {
            schema: &self.schema,
            hints: &self.hints,
            unhinted: self.config.response_cache.unhinted,
        };
        let keep = keeping.of_operation(&document, &operation);
        Ok(Plan {
            keep: keep.filter(|_| ops.demands.is_open() && !introspects),
            fetches: ops.operations,
            access: ops.demands,
            sized_by_variables,
            label: self.labels.label(operation::name(&operation)),
            condition_variables: condition_variables(&document, &operation),
            query_plan,
            kind,
            document,
            operation,
            introspects,
            root,
            only_shape: OnceLock::new(),
            shapes: RwLock::default(),
        })
    }

    /// Whether a document fits the schema and the limits.
    pub(crate) fn check(&self, query: &str) -> Result<(), Vec<ResponseError>> {
        let document = self.parse(query)?;
        self.measure(&document).map_err(|error| vec![error.into()])?;
        self.validate(&document)
    }

    /// Whether variables decide about the cost of a document that is within the limits.
    fn measure(&self, document: &Document) -> Result<bool, GatewayError> {
        if limits::has_fragment_cycle(document) {
            let message = "Fragments must not contain themselves.";
            return Err(GatewayError::new(ErrorCode::GraphqlValidationFailed, message));
        }
        limits::check(self.rules(), document)
    }

    fn parse(&self, query: &str) -> Result<Document, Vec<ResponseError>> {
        let parsed = parse_query_with_token_limit::<String>(query, self.config.limits.tokens);
        parsed.map(|document| document.into_static()).map_err(|error| {
            let text = error.to_string();
            if text.contains("Token limit exceeded") {
                let message = format!("The document has more than {} tokens.", self.config.limits.tokens);
                return vec![ResponseError::new(ErrorCode::LimitTokens, message)];
            }
            let at = error.0.position;
            let mut error = ResponseError::new(
                ErrorCode::GraphqlParseFailed,
                format!("Syntax error: {}", one_line(&text)),
            );
            error.locations = vec![Location { line: at.line, column: at.column }];
            vec![error]
        })
    }

    fn validate(&self, document: &Document) -> Result<(), Vec<ResponseError>> {
        let found = validate(&self.schema.document, document, &self.rules);
        if found.is_empty() {
            return Ok(());
        }
        let error = |e: graphql_tools::validation::utils::ValidationError| {
            let mut error = ResponseError::new(ErrorCode::GraphqlValidationFailed, without_value(&e.message));
            error.locations =
                e.locations.iter().map(|p| Location { line: p.line, column: p.column }).collect();
            error
        };
        Err(found.into_iter().map(error).collect())
    }

    fn query_plan(
        &self,
        document: &Document,
        operation_name: Option<&str>,
    ) -> Result<(QueryPlan, bool), GatewayError> {
        let mut normalized = normalize_operation(&self.planner.supergraph, document, operation_name)
            .map_err(|e| GatewayError::new(ErrorCode::GraphqlValidationFailed, e.to_string()))?;
        // What starts with `__` is answered here and no subgraph's business.
        let mut introspects = false;
        let items = &mut normalized.operation.selection_set.items;
        items.retain(|item| match item {
            SelectionItem::Field(field) if field.name.starts_with("__") => {
                introspects |= field.name != "__typename";
                false
            }
            _ => true,
        });
        if items.is_empty() {
            return Ok((QueryPlan { kind: "QueryPlan", node: None }, introspects));
        }
        let token = CancellationToken::with_timeout(self.config.planning_timeout);
        let plan =
            self.planner.plan_from_normalized_operation(&normalized.operation, Default::default(), &token);
        plan.map(|plan| (plan, introspects)).map_err(|error| match error {
            PlannerError::CancellationError(_) => {
                GatewayError::new(ErrorCode::PlanningTimeout, "The operation is too hard to plan.")
            }
            error => {
                tracing::error!(%error, "planning failed");
                GatewayError::new(ErrorCode::InternalServerError, "The operation could not be planned.")
            }
        })
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
