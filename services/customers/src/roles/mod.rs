//! Roles are Cedar policies: those of every shop in `roles.cedar`, and the retailer's own.

mod policies;

pub use policies::{Policies, PolicyError};

/// Every scope that a room of the platform asks for. They are the actions of `roles.cedarschema`.
pub mod scopes {
    /// All of them.
    pub const ALL: &[&str] = &[
        "catalog:read",
        "catalog:write",
        "prices:read",
        "prices:write",
        "tax:read",
        "tax:write",
        "channels:write",
        "stock:read",
        "stock:write",
        "orders:read",
        "orders:write",
        "orders:fulfil",
        "orders:returns",
        "payments:refund",
        "customers:read",
        "customers:erase",
        "operators:write",
        "apikeys:write",
        "audit:read",
    ];

    /// What every operator may, and nobody else: it concerns his own account. No role and no API key holds it.
    pub const OPERATOR_SELF: &str = "operator:self";
}
