use emporia_auth::Roles;

/// Every scope that a room of the platform asks for.
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

/// The first set of roles.
pub fn roles() -> Roles {
    Roles::new()
        .with("admin", scopes::ALL)
        .with(
            "merchandiser",
            &[
                "catalog:read",
                "catalog:write",
                "prices:read",
                "prices:write",
                "tax:read",
                "tax:write",
                "channels:write",
            ],
        )
        .with("fulfilment", &["orders:read", "orders:fulfil", "orders:returns", "stock:read", "stock:write"])
        .with(
            "service",
            &["orders:read", "orders:write", "orders:returns", "payments:refund", "customers:read"],
        )
        .with("analyst", &["orders:read", "stock:read", "catalog:read"])
}
