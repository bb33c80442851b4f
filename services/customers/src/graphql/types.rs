use crate::{
    model::BookEntry,
    service::{CustomerView, OperatorView},
};
use async_graphql::{ID, SimpleObject};
use emporia_contracts::ids::AddressId;
use emporia_subgraph::{DateTime, PostalAddress};

/// A customer. Only he himself and operators with the scope customers:read may see him.
#[derive(Debug, Clone, SimpleObject)]
pub struct Customer {
    /// The customer.
    id: ID,
    /// His mail address.
    email: String,
    /// Whether it is known that he reads its mail.
    email_verified: bool,
    /// His name.
    name: Option<String>,
    /// His telephone number.
    phone: Option<String>,
    /// His address book, in the order in which it was filled.
    addresses: Vec<CustomerAddress>,
    /// Since when he has an account.
    created_at: DateTime,
    /// Grows with every change.
    version: String,
}

impl From<CustomerView> for Customer {
    fn from(c: CustomerView) -> Self {
        let default = c.addresses.default_entry();
        Self {
            id: c.id.to_string().into(),
            email: c.profile.email.into(),
            email_verified: c.verified_at.is_some(),
            name: c.profile.name,
            phone: c.profile.phone,
            addresses: c
                .addresses
                .entries()
                .iter()
                .map(|entry| CustomerAddress::new(entry, default))
                .collect(),
            created_at: c.created_at.into(),
            version: c.version.to_string(),
        }
    }
}

/// An address of a customer's book.
#[derive(Debug, Clone, SimpleObject)]
pub struct CustomerAddress {
    /// The entry.
    id: ID,
    /// Whether it is the one to take when nothing else is said.
    is_default: bool,
    /// The address.
    address: PostalAddress,
}

impl CustomerAddress {
    fn new(entry: &BookEntry, default: Option<AddressId>) -> Self {
        Self {
            id: entry.id.to_string().into(),
            is_default: default == Some(entry.id),
            address: entry.address.clone().into(),
        }
    }
}

/// An operator or associate.
#[derive(Debug, Clone, SimpleObject)]
pub struct Operator {
    /// The operator.
    id: ID,
    /// His mail address.
    email: String,
    /// His name.
    name: Option<String>,
    /// His roles: everywhere (`fulfilment`), or at one place (`fulfilment@location:berlin`).
    roles: Vec<String>,
    /// What his roles allow.
    scopes: Vec<String>,
    /// Since when.
    created_at: DateTime,
    /// Whether he is asked for the code of an authenticator when he signs in.
    second_factor: bool,
}

impl Operator {
    pub(super) fn new(o: OperatorView, roles: &crate::Policies) -> Self {
        let scopes = roles.scopes_of(o.roles.iter().map(String::as_str));
        Self {
            id: o.id.to_string().into(),
            email: o.profile.email.into(),
            name: o.profile.name,
            scopes: scopes.iter().map(ToOwned::to_owned).collect(),
            roles: o.roles.into_iter().collect(),
            created_at: o.created_at.into(),
            second_factor: o.second_factor,
        }
    }
}
