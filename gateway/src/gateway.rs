//! The gateway: plans and runs requests.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::AtomicU32},
    time::{Duration, Instant},
};

use async_graphql::Variables;
use graphql_tools::parser::{parse_schema, schema as s};
use hive_router_query_planner::planner::{Planner, plan_nodes::PlanNode};
use moka::future::Cache;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::{
    access::{Access, AccessError},
    cache::{Changes, Filling, Flights, HintError, Hints, Kept, Key, PATIENCE, Shelf, TagSet, Tags},
    coerce,
    compose::{self, Supergraph},
    config::Config,
    documents::{Documents, ManifestError, ToRemember},
    error::{ErrorCode, ResponseError, mask},
    execute::Run,
    http::{self, CorsError},
    introspect,
    limits::{self, CostError, Costs},
    merge::State,
    operation::{self, OperationKind},
    plan::{Plan, Planning},
    request::{Request, RequestContext},
    response::{Outcome, Response},
    schema::Schema,
    subgraph::Subgraph,
    telemetry, validation,
    write::Writer,
};

/// Why a gateway cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The supergraph's text cannot be used.
    #[error("supergraph: {0}")]
    Supergraph(String),
    /// Its access declarations cannot be used.
    #[error("supergraph: {0}")]
    Access(#[from] AccessError),
    /// Its hints about keeping answers cannot be used.
    #[error("supergraph: {0}")]
    Hint(#[from] HintError),
    /// The origins of other pages cannot be used.
    #[error(transparent)]
    Cors(#[from] CorsError),
    /// The trusted documents cannot be read.
    #[error(transparent)]
    Documents(#[from] ManifestError),
    /// What it says about costs cannot be used.
    #[error("supergraph: {0}")]
    Cost(#[from] CostError),
    /// The supergraph speaks of subgraphs that nobody answers for.
    #[error("no implementation for subgraphs: {}", .0.join(", "))]
    MissingSubgraphs(Vec<String>),
}

type Failure = Arc<Vec<ResponseError>>;
type PlanKey = (u64, u64);

/// One federated graph. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) planning: Arc<Planning>,
    pub(crate) subgraphs: HashMap<Arc<str>, Arc<dyn Subgraph>>,
    plans: Cache<PlanKey, Arc<Plan>>,
    pub(crate) documents: Documents,
    kept: Option<Shelf>,
    flights: Flights,
    changes: Option<Arc<dyn Changes>>,
    /// Keyed at random, so that nobody can look for two documents with the same key.
    hashers: [RandomState; 2],
    /// Planning is work for the processor: more at once than there are cores makes nothing faster.
    planners: Arc<Semaphore>,
}

/// Builds a [`Gateway`].
pub struct GatewayBuilder {
    supergraph: Supergraph,
    config: Config,
    subgraphs: HashMap<Arc<str>, Arc<dyn Subgraph>>,
    changes: Option<Arc<dyn Changes>>,
}

impl GatewayBuilder {
    /// With these settings.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The subgraph of this name is answered by this.
    #[must_use]
    pub fn subgraph(mut self, name: impl Into<Arc<str>>, subgraph: impl Subgraph + 'static) -> Self {
        self.subgraphs.insert(name.into(), Arc::new(subgraph));
        self
    }

    /// Changes behind the gateway are purged by this; no kept answer is given before it has heard of all.
    #[must_use]
    pub fn changes(mut self, changes: Arc<dyn Changes>) -> Self {
        self.changes = Some(changes);
        self
    }

    /// Subgraphs that nobody was named for are reached at the addresses in the supergraph, with this client.
    #[must_use]
    pub fn remote_subgraphs(mut self, client: &reqwest::Client) -> Self {
        for (name, url) in crate::remote::addresses(self.supergraph.sdl()) {
            let longest = self.config.subgraph_answer_bytes;
            let remote = || {
                Arc::new(crate::Remote::new(client.clone(), url).longest_answer(longest)) as Arc<dyn Subgraph>
            };
            self.subgraphs.entry(name.into()).or_insert_with(remote);
        }
        self
    }

    /// Reads the supergraph and makes ready to answer.
    ///
    /// # Errors
    /// When the supergraph cannot be read or planned for, or a subgraph has no implementation.
    pub fn build(self) -> Result<Gateway, BuildError> {
        let sdl = self.supergraph.sdl();
        let mut document =
            parse_schema::<String>(sdl).map_err(|e| BuildError::Supergraph(e.to_string()))?.into_static();
        if document.definitions.iter().any(|d| matches!(d, s::Definition::TypeExtension(_))) {
            return Err(BuildError::Supergraph("a supergraph has no type extensions".into()));
        }
        compose::without_costs(&mut document);
        let access = Access::from_sdl(sdl, self.config.undeclared_access)?;
        // The planner asserts what a well-formed supergraph has; a malformed one must be an error, not an abort.
        let planner = std::panic::catch_unwind(AssertUnwindSafe(|| {
            Planner::new_from_supergraph(&document, Default::default())
        }))
        .map_err(|_| BuildError::Supergraph("not a well-formed supergraph".into()))?
        .map_err(|e| BuildError::Supergraph(e.to_string()))?;
        let addresses = crate::remote::addresses(sdl);
        if addresses.is_empty() {
            return Err(BuildError::Supergraph("it names no subgraphs".into()));
        }
        let mut missing: Vec<String> = addresses
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| !self.subgraphs.contains_key(name.as_str()))
            .collect();
        if !missing.is_empty() {
            missing.sort();
            return Err(BuildError::MissingSubgraphs(missing));
        }
        let capacity = self.config.plan_cache_capacity;
        let schema = Schema::new(planner.consumer_schema.document.clone());
        let mut hints = Hints::default();
        hints.read(sdl)?;
        let mut costs = Costs::default();
        costs.read(sdl)?;
        let kept = &self.config.response_cache;
        let kept = (kept.enabled && !hints.is_empty()).then(|| Shelf::new(kept));
        http::check_cors(&self.config.cors)?;
        let documents = Documents::new(&self.config.documents)?;
        let planning = Planning {
            costs,
            tags: Tags::new(&schema, &hints)?,
            hints,
            schema,
            planner,
            access,
            rules: validation::rules(),
            labels: telemetry::OperationLabels::default(),
            config: self.config,
        };
        for (id, text) in documents.trusted() {
            if let Err(errors) = planning.check(text) {
                let error = errors.first().map(|e| e.message.as_str()).unwrap_or_default();
                tracing::warn!(id, error, "a trusted document does not fit the schema");
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Gateway(Arc::new(Inner {
            planning: Arc::new(planning),
            subgraphs: self.subgraphs,
            plans: Cache::new(capacity),
            documents,
            kept,
            flights: Flights::default(),
            changes: self.changes,
            hashers: [RandomState::new(), RandomState::new()],
            planners: Arc::new(Semaphore::new(cores)),
        })))
    }
}

impl Gateway {
    /// Starts to build a gateway for this supergraph.
    pub fn builder(supergraph: Supergraph) -> GatewayBuilder {
        GatewayBuilder { supergraph, config: Config::default(), subgraphs: HashMap::new(), changes: None }
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.0.planning.config
    }

    /// What the schema declares about access.
    pub fn access(&self) -> &Access {
        &self.0.planning.access
    }

    /// How many plans are kept.
    pub async fn cached_plans(&self) -> u64 {
        self.0.plans.run_pending_tasks().await;
        self.0.plans.entry_count()
    }

    /// Drops every kept answer with one of these tags.
    pub fn purge<'t>(&self, tags: impl IntoIterator<Item = &'t str>) {
        if let Some(kept) = &self.0.kept {
            telemetry::purged(kept.purge(tags.into_iter()));
        }
    }

    /// Drops every kept answer.
    pub fn purge_all(&self) {
        if let Some(kept) = &self.0.kept {
            kept.purge_all();
        }
    }

    /// How many answers are kept, and about how many bytes they take.
    pub fn kept_answers(&self) -> (u64, u64) {
        self.0.kept.as_ref().map(Shelf::size).unwrap_or_default()
    }

    /// Answers a query or mutation.
    pub async fn execute(&self, request: Request, context: &RequestContext) -> Response {
        let span = tracing::debug_span!("graphql", request_id = %context.request_id);
        if span.is_disabled() {
            return self.answer(request, context).await;
        }
        self.answer(request, context).instrument(span).await
    }

    async fn answer(&self, mut request: Request, context: &RequestContext) -> Response {
        let started = Instant::now();
        let remember = match self.0.documents.resolve(&mut request) {
            Ok(remember) => remember,
            Err(error) => {
                let response = refuse(&[error.into()]);
                telemetry::request(&"unplanned".into(), started, &response);
                return response;
            }
        };
        let question = self.0.question(&request, context).await;
        if let Some(Question { kept: Some(kept), .. }) = question {
            telemetry::cache("hit");
            let (label, response) = (kept.label.clone(), Response::kept(kept));
            telemetry::request(&label, started, &response);
            return response;
        }
        let (label, response) = match self.0.plan(&request).await {
            Ok(plan) => {
                self.0.remember(remember.as_ref(), &request);
                let limit = self.config().request_timeout;
                let run = tokio::time::timeout(limit, self.0.run(&plan, request, context, question));
                let response = run.await.unwrap_or_else(|_| {
                    let message = format!("The request took longer than {} ms.", limit.as_millis());
                    ResponseError::new(ErrorCode::RequestTimeout, message).into()
                });
                (plan.label.clone(), response)
            }
            Err(failure) => ("unplanned".into(), refuse(&failure)),
        };
        telemetry::request(&label, started, &response);
        response
    }
}

/// A question whose answer may be kept, or is.
pub(crate) struct Question {
    key: Key,
    begun: Filling,
    kept: Option<Arc<Kept>>,
}

/// A refusal, counted.
pub(crate) fn refuse(failure: &[ResponseError]) -> Response {
    if let Some(code) = failure.first().and_then(ResponseError::code) {
        telemetry::refused(code);
    }
    Response::refused(failure.to_vec())
}

impl Inner {
    /// The plan for a request: a kept one, or a new one that all who ask for it at the same time share.
    pub(crate) async fn plan(&self, request: &Request) -> Result<Arc<Plan>, Failure> {
        let key = self.hashers.each_ref().map(|h| h.hash_one((&request.query, &request.operation_name)));
        let key = (key[0], key[1]);
        if let Some(plan) = self.plans.get(&key).await {
            return Ok(plan);
        }
        let work = self.plan_anew(request.query.clone(), request.operation_name.clone());
        let planned = self.plans.try_get_with(key, work);
        // Also bounds the wait for a turn when many unknown documents come at once.
        match tokio::time::timeout(self.planning.config.request_timeout, planned).await {
            Ok(planned) => planned.map_err(|failure: Arc<Failure>| (*failure).clone()),
            Err(_) => {
                let message = "There was no time to plan the operation.";
                Err(Arc::new(vec![ResponseError::new(ErrorCode::PlanningTimeout, message)]))
            }
        }
    }

    async fn plan_anew(&self, query: String, operation_name: Option<String>) -> Result<Arc<Plan>, Failure> {
        let fault = || {
            Arc::new(vec![ResponseError::new(
                ErrorCode::InternalServerError,
                "The operation could not be planned.",
            )])
        };
        let Ok(permit) = self.planners.clone().acquire_owned().await else { return Err(fault()) };
        let planning = self.planning.clone();
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            planning.plan(&query, operation_name.as_deref())
        });
        // A panic of the planner ends here too.
        work.await.map_err(|_| fault())?.map(Arc::new).map_err(Arc::new)
    }

    /// Variables, access and complexity: everything that can refuse a planned operation before it runs.
    pub(crate) fn admit(
        &self,
        plan: &Plan,
        request: Request,
        context: &RequestContext,
    ) -> Result<Variables, Vec<ResponseError>> {
        let planning = &self.planning;
        let definitions = operation::variable_definitions(&plan.operation);
        let variables = coerce::variables(&planning.schema, definitions, request.variables)?;
        plan.check_conditions(&variables).map_err(|e| vec![e.into()])?;
        plan.access.check(&context.caller, &variables)?;
        if plan.sized_by_variables {
            limits::check_complexity(planning.rules(), &plan.document, &plan.operation, &variables)
                .map_err(|e| vec![e.into()])?;
        }
        Ok(variables)
    }

    /// Remembers a document that was planned, when the client wishes it.
    pub(crate) fn remember(&self, document: Option<&ToRemember>, request: &Request) {
        if let Some(document) = document {
            self.documents.remember(document, &request.query);
        }
    }

    /// Looks for a kept answer, when the caller may have one.
    async fn question(&self, request: &Request, context: &RequestContext) -> Option<Question> {
        let shelf = self.kept.as_ref()?;
        let class = context.caller.shared.as_ref().filter(|_| !context.query_plan)?;
        let key = shelf.key(request, class);
        let current = match &self.changes {
            Some(changes) if !changes.heard() => tokio::time::timeout(PATIENCE, changes.hear()).await.is_ok(),
            _ => true,
        };
        Some(Question { key, begun: shelf.begin(), kept: shelf.get(key).filter(|_| current) })
    }

    async fn run(
        &self,
        plan: &Plan,
        request: Request,
        context: &RequestContext,
        question: Option<Question>,
    ) -> Response {
        if plan.kind == OperationKind::Subscription {
            let message = "Subscriptions need a WebSocket or server-sent events.";
            return ResponseError::new(ErrorCode::BadRequest, message).into();
        }
        if plan.kind == OperationKind::Mutation && !context.mutations {
            return ResponseError::new(ErrorCode::MutationOverGet, "Mutations need POST.").into();
        }
        let variables = match self.admit(plan, request, context) {
            Ok(variables) => variables,
            Err(errors) => return refuse(&errors),
        };
        let nodes = plan.query_plan.node.as_slice();
        if let (Some(question), Some(max_age), Some(shelf)) = (question, plan.keep, &self.kept) {
            let flight = (question.key, question.begun.number());
            let work = self.answer_and_keep(plan, &variables, context, &question, max_age, shelf);
            let (mut response, mine) = self.flights.join(flight, work).await;
            telemetry::cache(if mine { "miss" } else { "shared" });
            if !mine {
                response.subgraph_calls = 0;
            }
            return response;
        }
        let (response, _) = self.run_from(plan, &variables, context, State::empty(), nodes).await;
        if plan.kind == OperationKind::Mutation && self.kept.is_some() {
            self.purge_after(plan, &variables);
        }
        response
    }

    async fn answer_and_keep(
        &self,
        plan: &Plan,
        variables: &Variables,
        context: &RequestContext,
        question: &Question,
        max_age: Duration,
        shelf: &Shelf,
    ) -> Response {
        let nodes = plan.query_plan.node.as_slice();
        let (mut response, mut tags) = self.run_from(plan, variables, context, State::empty(), nodes).await;
        if response.outcome == Outcome::Ok {
            self.root_tags(plan, variables, &mut tags);
            let body = response.body.clone();
            let label = plan.label.clone();
            response.kept = shelf.keep(question.key, question.begun, body, max_age, tags, label);
            telemetry::cache_bytes(shelf.bytes());
        }
        response
    }

    fn root_tags(&self, plan: &Plan, variables: &Variables, tags: &mut TagSet) {
        let planning = &self.planning;
        planning.tags.of_roots(
            &planning.schema,
            plan.root(),
            &plan.document,
            &plan.operation,
            variables,
            tags,
        );
    }

    /// The tags on the fields of a mutation are those of what it changes.
    fn purge_after(&self, plan: &Plan, variables: &Variables) {
        let mut tags = TagSet::new();
        self.root_tags(plan, variables, &mut tags);
        if let (Some(shelf), false) = (&self.kept, tags.is_empty()) {
            telemetry::purged(shelf.purge(tags.iter().map(String::as_str)));
        }
    }

    /// Runs nodes of a plan one after the other on top of what is already there, and writes the response.
    pub(crate) async fn run_from(
        &self,
        plan: &Plan,
        variables: &Variables,
        context: &RequestContext,
        state: State,
        nodes: &[PlanNode],
    ) -> (Response, TagSet) {
        let tagged = plan.keep.is_some() && self.kept.is_some();
        let run = Run {
            gateway: self,
            plan,
            variables,
            caller: &context.caller,
            state: Mutex::new(state),
            calls: AtomicU32::new(0),
            tags: tagged.then(Default::default),
        };
        for node in nodes {
            run.node(node).await;
        }
        let (calls, tags) = (run.calls.into_inner(), run.tags.map(Mutex::into_inner).unwrap_or_default());
        (self.write(plan, variables, context, run.state.into_inner(), calls), tags)
    }

    fn write(
        &self,
        plan: &Plan,
        variables: &Variables,
        context: &RequestContext,
        state: State,
        subgraph_calls: u32,
    ) -> Response {
        let State { mut data, mut errors } = state;
        let planning = &self.planning;
        let shape = plan.shape(&planning.schema, variables);
        if plan.introspects {
            introspect::answer(&planning.schema, &shape, variables, &mut data);
        }
        let mut body = Writer::new(&planning.schema, &mut errors).data(b"{\"data\":", &data, &shape);
        if planning.config.mask_errors {
            errors.iter_mut().for_each(|e| mask(e, &context.request_id));
        }
        if !errors.is_empty() {
            append(&mut body, b",\"errors\":", &errors);
        }
        if context.query_plan && planning.config.query_plan_on_request {
            let shown = serde_json::json!({ "text": plan.query_plan.to_string(), "tree": plan.query_plan });
            append(&mut body, b",\"extensions\":", &serde_json::json!({ "queryPlan": shown }));
        }
        body.push(b'}');
        let outcome = if errors.is_empty() { Outcome::Ok } else { Outcome::Partial };
        Response { body: body.into(), errors, outcome, subgraph_calls, kept: None }
    }
}

/// Adds a member to the object being written, or nothing if it cannot be written.
fn append(body: &mut Vec<u8>, key: &[u8], value: &impl serde::Serialize) {
    let start = body.len();
    body.extend_from_slice(key);
    if serde_json::to_writer(&mut *body, value).is_err() {
        body.truncate(start);
    }
}
