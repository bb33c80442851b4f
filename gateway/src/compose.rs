//! Makes one supergraph of many subgraph schemas.

mod carry;

pub(crate) use carry::without_costs;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use graphql_tools::parser::{Pos, parse_schema, schema as s};

use crate::{
    access::{AccessError, Declared, read_declarations},
    cache::Hints,
    limits::Costs,
    schema::SchemaDocument,
};

/// The text of a supergraph schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supergraph(String);

impl Supergraph {
    /// A supergraph that somebody composed before: our checked-in one, or other people's.
    pub fn from_sdl(sdl: impl Into<String>) -> Self {
        Self(sdl.into())
    }

    /// The text.
    pub fn sdl(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Supergraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why subgraphs do not make a supergraph.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A subgraph's schema is no schema.
    #[error("subgraph {subgraph}: {message}")]
    Subgraph {
        /// Which.
        subgraph: String,
        /// Why.
        message: String,
    },
    /// They contradict each other.
    #[error("subgraphs do not compose:\n{}", .0.join("\n"))]
    Conflict(Vec<String>),
    /// The access declarations are wrong.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The composed text is not usable; a fault of the composer.
    #[error("composed schema: {0}")]
    Composed(String),
}

/// What a place (`Type` or `Type.field`) says about access, over all subgraphs.
type Declarations = BTreeMap<(String, Option<String>), Declared>;

/// Composes subgraphs, given as (name, SDL, URL). The same subgraphs in any order give the same text.
///
/// # Errors
/// When a schema cannot be read, when two contradict each other, or when one field is declared open to
/// everybody in one place and not in another.
pub fn compose(subgraphs: &[(&str, &str, &str)]) -> Result<Supergraph, ComposeError> {
    let mut sorted = subgraphs.to_vec();
    sorted.sort_unstable();
    let mut composer = graphql_composition::Subgraphs::default();
    let (mut declarations, mut hints, mut costs) = (Declarations::new(), Hints::default(), Costs::default());
    for (name, sdl, url) in sorted {
        let fail = |message: String| ComposeError::Subgraph { subgraph: name.to_owned(), message };
        declare(sdl, &mut declarations)?;
        hints.read(sdl).map_err(|e| fail(e.to_string()))?;
        costs.read(sdl).map_err(|e| fail(e.to_string()))?;
        composer.ingest_str(sdl, name, Some(url)).map_err(|e| fail(e.to_string()))?;
    }
    let composed = graphql_composition::compose(&mut composer);
    for warning in composed.diagnostics().iter_warnings() {
        tracing::debug!(warning, "composition");
    }
    let graph = composed
        .into_result()
        .map_err(|found| ComposeError::Conflict(found.iter_errors().map(str::to_owned).collect()))?;
    let sdl = graphql_composition::render_federated_sdl(&graph)
        .map_err(|e| ComposeError::Composed(e.to_string()))?;
    let mut document =
        parse_schema::<String>(&sdl).map_err(|e| ComposeError::Composed(e.to_string()))?.into_static();
    enter_roots(&mut document);
    write_access(&mut document, &declarations);
    carry::hints(&mut document, &hints);
    carry::costs(&mut document, &costs);
    Ok(Supergraph(document.to_string()))
}

/// Collects what a subgraph says about access. The composer would drop `@public` and `@authenticated`, and would
/// make "either" of the scopes of a shared field where only "both" is safe.
fn declare(sdl: &str, into: &mut Declarations) -> Result<(), AccessError> {
    let mut note = |ty: &str, field: Option<&str>, declared: &Declared| {
        if declared.says_nothing() {
            return Ok(());
        }
        let at = field.map_or_else(|| ty.to_owned(), |field| format!("{ty}.{field}"));
        into.entry((ty.to_owned(), field.map(str::to_owned))).or_default().and(declared, &at)
    };
    for ty in read_declarations(sdl)?.types {
        note(&ty.name, None, &ty.declared)?;
        for field in &ty.fields {
            note(&ty.name, Some(&field.name), &field.declared)?;
        }
    }
    Ok(())
}

fn directive(name: &str, arguments: Vec<(&str, s::Value<'static, String>)>) -> s::Directive<'static, String> {
    let arguments = arguments.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
    s::Directive { position: Pos::default(), name: name.to_owned(), arguments }
}

/// graphql-composition (0.12) writes no `@join__type` on the root types, without which a planner finds no way
/// into a subgraph.
fn enter_roots(document: &mut SchemaDocument) {
    let all: BTreeSet<String> = document
        .definitions
        .iter()
        .find_map(|d| match d {
            s::Definition::TypeDefinition(s::TypeDefinition::Enum(e)) if e.name == "join__Graph" => {
                Some(e.values.iter().map(|v| v.name.clone()).collect())
            }
            _ => None,
        })
        .unwrap_or_default();
    for definition in &mut document.definitions {
        let s::Definition::TypeDefinition(s::TypeDefinition::Object(o)) = definition else { continue };
        let root = matches!(o.name.as_str(), "Query" | "Mutation" | "Subscription");
        if !root || o.directives.iter().any(|d| d.name == "join__type") {
            continue;
        }
        let graphs = if o.name == "Query" { all.clone() } else { graphs_of(&o.fields) };
        let join = |graph| directive("join__type", vec![("graph", s::Value::Enum(graph))]);
        o.directives.extend(graphs.into_iter().map(join));
    }
}

fn graphs_of(fields: &[s::Field<'static, String>]) -> BTreeSet<String> {
    let joins = fields.iter().flat_map(|f| &f.directives).filter(|d| d.name == "join__field");
    let graph = |d: &s::Directive<'static, String>| match d.arguments.iter().find(|(n, _)| n == "graph") {
        Some((_, s::Value::Enum(graph))) => Some(graph.clone()),
        _ => None,
    };
    joins.filter_map(graph).collect()
}

/// Writes the declarations into the supergraph, so that it alone says who may select what.
fn write_access(document: &mut SchemaDocument, declarations: &Declarations) {
    for definition in &mut document.definitions {
        let (name, directives, fields) = match definition {
            s::Definition::TypeDefinition(s::TypeDefinition::Object(t)) => {
                (&t.name, &mut t.directives, &mut t.fields)
            }
            s::Definition::TypeDefinition(s::TypeDefinition::Interface(t)) => {
                (&t.name, &mut t.directives, &mut t.fields)
            }
            _ => continue,
        };
        set_access(directives, declarations.get(&(name.clone(), None)));
        for field in fields {
            set_access(&mut field.directives, declarations.get(&(name.clone(), Some(field.name.clone()))));
        }
    }
    define(document, ACCESS_DEFINITIONS, |name| is_access(name) || name == SCOPE);
}

/// Puts definitions in the place of those with the names that are `ours`.
fn define(document: &mut SchemaDocument, definitions: &'static str, ours: impl Fn(&str) -> bool) {
    document.definitions.retain(|d| match d {
        s::Definition::DirectiveDefinition(d) => !ours(&d.name),
        s::Definition::TypeDefinition(s::TypeDefinition::Scalar(t)) => !ours(&t.name),
        _ => true,
    });
    // The texts are constants; tests compose them into every supergraph.
    if let Ok(definitions) = parse_schema::<String>(definitions) {
        document.definitions.splice(0..0, definitions.into_static().definitions);
    }
}

const SCOPE: &str = "requiresScopes__Scope";
const ACCESS_DEFINITIONS: &str = "
directive @public on FIELD_DEFINITION
directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @policy(policies: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @authModes(modes: [String!]!) on FIELD_DEFINITION | OBJECT | INTERFACE
scalar requiresScopes__Scope
";

fn is_access(directive: &str) -> bool {
    matches!(directive, "public" | "authenticated" | "requiresScopes" | "policy" | "authModes")
}

fn set_access(directives: &mut Vec<s::Directive<'static, String>>, declared: Option<&Declared>) {
    directives.retain(|d| !is_access(&d.name));
    let Some(Declared { requirement, public }) = declared else { return };
    if *public {
        directives.push(directive("public", vec![]));
    }
    if requirement.authenticated {
        directives.push(directive("authenticated", vec![]));
    }
    let list = |l: Vec<String>| s::Value::List(l.into_iter().map(s::Value::String).collect());
    let lists = |all: Vec<Vec<String>>| s::Value::List(all.into_iter().map(list).collect());
    if let Some(scopes) = requirement.scopes() {
        directives.push(directive("requiresScopes", vec![("scopes", lists(scopes))]));
    }
    if let Some(policies) = requirement.policies() {
        directives.push(directive("policy", vec![("policies", lists(policies))]));
    }
    if let Some(modes) = &requirement.modes {
        let modes = list(modes.iter().map(ToString::to_string).collect());
        directives.push(directive("authModes", vec![("modes", modes)]));
    }
}
