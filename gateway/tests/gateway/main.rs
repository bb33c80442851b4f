//! The gateway through its public face.

mod access;
mod cache;
mod composition;
mod documents;
mod failures;
mod federation;
mod http;
mod introspection;
mod limits;
mod planning;
mod rates;
mod remote;
mod server;
mod sse;
mod support;
mod variables;
mod websocket;
