//! Who may select what: read from the schema, checked before anything runs.
//!
//! Declared once per field in the subgraph schemas with `@public`, `@authenticated`, `@requiresScopes(scopes: [[…]])`,
//! `@policy(policies: [[…]])` and `@authModes(modes: […])`. A field of a root type that declares none of them is refused.

mod declaration;
mod operation;
mod requirement;
mod table;

pub(crate) use declaration::{Declared, read as read_declarations};
pub use operation::OperationAccess;
pub use requirement::{AuthMode, Refusal, Requirement};
pub use table::{Access, AccessError};
