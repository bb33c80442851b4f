//! Subscriptions: one subgraph gives the events, the rest of the plan runs for each of them.

use std::{panic::AssertUnwindSafe, sync::Arc};

use async_graphql::Value;
use futures_util::{FutureExt, StreamExt, stream::BoxStream};
use hive_router_query_planner::planner::plan_nodes::{FetchNode, PlanNode};

use crate::{
    error::{ErrorCode, ResponseError},
    execute::{panicked, pick},
    gateway::{Gateway, refuse},
    merge::State,
    operation::OperationKind,
    plan::Plan,
    request::{Request, RequestContext},
    response::Response,
    rewrite::rewrite_all,
    telemetry,
};

impl Gateway {
    /// Answers any operation as a stream: a subscription with a response per event, a query or mutation with one.
    ///
    /// # Errors
    /// The response to give when the operation is refused.
    pub async fn stream(
        &self,
        mut request: Request,
        context: RequestContext,
    ) -> Result<BoxStream<'static, Response>, Response> {
        let remember = self.0.documents.resolve(&mut request).map_err(|error| refuse(&[error.into()]))?;
        let plan = self.0.plan(&request).await.map_err(|failure| refuse(&failure))?;
        self.0.remember(remember.as_ref(), &request);
        if plan.kind == OperationKind::Subscription {
            return self.subscribe(plan, request, context);
        }
        let gateway = self.clone();
        Ok(async move { gateway.execute(request, &context).await }.into_stream().boxed())
    }

    fn subscribe(
        &self,
        plan: Arc<Plan>,
        request: Request,
        context: RequestContext,
    ) -> Result<BoxStream<'static, Response>, Response> {
        let variables = self.0.admit(&plan, request, &context).map_err(|errors| refuse(&errors))?;
        let fault =
            |message: &str| Response::from(ResponseError::new(ErrorCode::InternalServerError, message));
        let Some(primary) = primary(&plan) else {
            return Err(fault("The subscription could not be planned."));
        };
        let Some((name, subgraph)) = self.0.subgraphs.get_key_value(primary.service_name.as_str()) else {
            return Err(fault("The subscription's subgraph is not there."));
        };
        let Some(operation) = plan.fetches.get(&primary.operation.hash) else {
            return Err(fault("The subscription could not be planned."));
        };
        telemetry::subgraph_call(name);
        telemetry::subscription(&plan.label);
        let picked = pick(&variables, primary.variable_usages.iter().flatten());
        let name = name.clone();
        let events = subgraph.subscribe(operation, picked, &context.caller);
        // A panic ends the stream with an error instead of the connection.
        let events = AssertUnwindSafe(events).catch_unwind().map(move |event| match event {
            Ok(event) => event,
            Err(panic) => panicked(&name, panic.as_ref()),
        });

        let (gateway, context, variables) = (self.0.clone(), Arc::new(context), Arc::new(variables));
        let responses = events.then(move |event| {
            let (gateway, plan) = (gateway.clone(), plan.clone());
            let (context, variables) = (context.clone(), variables.clone());
            async move {
                let mut data = match event.data {
                    Value::Null => Value::Object(Default::default()),
                    data => data,
                };
                if let Some(rewrites) = self::primary(&plan).and_then(|p| p.output_rewrites.as_deref()) {
                    rewrite_all(&gateway.planning.schema, rewrites, &mut data);
                }
                let state = State { data, errors: event.errors };
                gateway.run_from(&plan, &variables, &context, state, rest(&plan)).await.0
            }
        });
        Ok(responses.boxed())
    }
}

fn primary(plan: &Plan) -> Option<&FetchNode> {
    match plan.query_plan.node.as_ref()? {
        PlanNode::Subscription(node) => Some(&node.primary),
        PlanNode::Sequence(sequence) => match sequence.nodes.first()? {
            PlanNode::Subscription(node) => Some(&node.primary),
            _ => None,
        },
        _ => None,
    }
}

/// What is to be done for each event.
fn rest(plan: &Plan) -> &[PlanNode] {
    match &plan.query_plan.node {
        Some(PlanNode::Sequence(sequence)) => sequence.nodes.get(1..).unwrap_or_default(),
        _ => &[],
    }
}
