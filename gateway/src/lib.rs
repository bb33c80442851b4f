#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod access;
mod cache;
mod caller;
mod coerce;
mod compose;
mod config;
mod documents;
mod entities;
mod error;
mod execute;
mod fetch_ops;
mod gateway;
mod http;
mod introspect;
mod limits;
mod local;
mod merge;
mod operation;
mod plan;
mod project;
mod remote;
mod representations;
mod request;
mod response;
mod rewrite;
mod schema;
mod sse;
mod subgraph;
mod subscribe;
mod telemetry;
mod validation;
mod walk;
mod write;

pub use access::{Access, AccessError, AuthMode, OperationAccess, Refusal, Requirement};
pub use cache::{Changes, HintError, Kept};
pub use caller::{Anonymous, Caller, Identify};
pub use compose::{ComposeError, Supergraph, compose};
pub use config::{
    Config, CorsConfig, DocumentsConfig, Limits, Rate, RateLimits, ResponseCacheConfig, SubscriptionConfig,
    UndeclaredAccess, UnhintedFields,
};
pub use documents::ManifestError;
pub use error::{ErrorCode, GatewayError, Location, ResponseError};
pub use gateway::{BuildError, Gateway, GatewayBuilder};
pub use http::{BodyError, CorsError, Example, HttpOptions, read_body, router};
pub use limits::CostError;
pub use local::Local;
pub use operation::OperationKind;
pub use remote::Remote;
pub use request::{Request, RequestContext};
pub use response::{Outcome, Response};
pub use subgraph::{EntityField, FetchOp, SubResponse, Subgraph};
