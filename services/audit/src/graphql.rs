use crate::opened::{Reader, opened};
use async_graphql::{
    Context, EmptyMutation, EmptySubscription, Json, Object, Result, Schema, SimpleObject,
    connection::{Connection, Edge},
};
use emporia_audit::{AuditLog, Changed, Filter, Recorded};
use emporia_contracts::Fault;
use emporia_store::{Cursor, StoreError};
use emporia_subgraph::{DateTime, Subgraph, access::*, bad_input, context, fault, page_size, store_error};
use emporia_vault::Vault;
use serde_json::Value;

/// Builds the subgraph.
pub fn schema(log: AuditLog, vault: Vault) -> Subgraph {
    Subgraph::new(Schema::build(Query, EmptyMutation, EmptySubscription).data(log).data(vault))
}

/// What one transaction changed, and in whose name.
#[derive(Debug, SimpleObject)]
pub struct AuditEntry {
    /// Its place in the chain, from 1 without a gap.
    number: String,
    /// Its own id.
    id: String,
    /// When.
    at: DateTime,
    /// Who: `operator/…`, `service/…`, `customer/…`, `command-line`.
    who: String,
    /// What he called: a mutation, or a command.
    operation: String,
    /// The request's id; what follows from it carries the same.
    correlation_id: String,
    /// The service whose data it is.
    service: String,
    /// What was changed; null when the entry was removed from the store: run `emporia audit verify`.
    changes: Option<Vec<AuditChange>>,
    /// The hash of the chain up to here.
    hash: String,
}

/// What became of one document.
#[derive(Debug, SimpleObject)]
pub struct AuditChange {
    /// The document, counter or subject of an event.
    subject: String,
    /// What the changed fields had (a JSON merge patch that leads back); null when there was none.
    before: Option<Json<Value>>,
    /// What they have now (a JSON merge patch that leads on); null when it is gone.
    after: Option<Json<Value>>,
}

/// Questions about who did what.
pub struct Query;

#[Object]
impl Query {
    /// What operators, services and commands changed, and shoppers in their accounts; the newest first.
    #[graphql(directive = requires_scopes::apply(scope("audit:read")))]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only changes of this document, as `product/prd_…`.")] subject: Option<String>,
        #[graphql(desc = "Only changes by them, as `operator/opr_…`.")] who: Option<String>,
        #[graphql(desc = "Only changes from then on.")] since: Option<DateTime>,
        #[graphql(desc = "Page size, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Cursor of the entry before the page.")] after: Option<String>,
    ) -> Result<Connection<String, AuditEntry>> {
        let told = |e: StoreError| store_error("audit", e);
        for (name, text) in [("subject", &subject), ("who", &who)] {
            if text.as_ref().is_some_and(|text| text.len() > 512 || text.chars().any(char::is_control)) {
                return Err(bad_input(format!("{name}: at most 512 visible characters")));
            }
        }
        let reader = match context(ctx)?.may("customers:read") {
            true => Reader::Opening(ctx.data::<Vault>()?),
            false => Reader::Passing,
        };
        let after = after.map(|text| text.parse::<Cursor>()).transpose().map_err(told)?;
        let (size, paged) = (page_size(first, None, 20)?, after.is_some());
        let filter = Filter { subject, who, since: since.map(|at| at.0) };
        let (page, more) = ctx.data::<AuditLog>()?.page(&filter, size, after).await.map_err(told)?;
        let mut connection = Connection::new(paged, more);
        for (cursor, recorded) in page {
            connection.edges.push(Edge::new(cursor.to_string(), shown(recorded, reader)?));
        }
        Ok(connection)
    }
}

fn shown(recorded: Recorded, reader: Reader<'_>) -> Result<AuditEntry> {
    let Recorded { link, entry } = recorded;
    let side = |side: Option<Value>| -> Result<Option<Json<Value>>> {
        let value = side.map(|value| opened(value, reader)).transpose();
        Ok(value.map_err(|e| fault(Fault::transient("vault", e)))?.map(Json))
    };
    let change = |Changed { subject, before, after }| -> Result<AuditChange> {
        Ok(AuditChange { subject, before: side(before)?, after: side(after)? })
    };
    let correlation_id = entry.as_ref().map(|entry| entry.correlation_id.clone()).unwrap_or_default();
    Ok(AuditEntry {
        number: link.number.to_string(),
        id: link.entry.to_string(),
        at: DateTime(link.at),
        who: link.who,
        operation: link.operation,
        correlation_id,
        service: link.space,
        changes: entry.map(|entry| entry.changes.into_iter().map(change).collect()).transpose()?,
        hash: link.hash,
    })
}
