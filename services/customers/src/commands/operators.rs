use crate::{commands::Granter, roles::Policies};
use std::collections::BTreeSet;

/// Why an operator cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperatorRefusal {
    /// There is no such role.
    #[error(
        "there is no role \"{got}\": the roles are {known}, each everywhere or, if something of it has a place, as in \
         role@channel:eu or role@location:berlin"
    )]
    NoRole {
        /// What was asked for.
        got: String,
        /// All there are.
        known: String,
    },
    /// An operator without any role can do nothing.
    #[error("give at least one role")]
    NoRoles,
    /// The role holds something that the granter does not hold himself.
    #[error("the role \"{0}\" may do more than you may yourself")]
    Exceeds(String),
}

/// The roles that an operator gets: known ones, and nothing that the granter does not hold.
pub(crate) fn grant(
    granter: Granter<'_>,
    roles: &[String],
    known: &Policies,
) -> Result<BTreeSet<String>, OperatorRefusal> {
    if roles.is_empty() {
        return Err(OperatorRefusal::NoRoles);
    }
    for role in roles {
        let Some(scopes) = known.scopes(role) else {
            let known = known.names().collect::<Vec<_>>().join(", ");
            return Err(OperatorRefusal::NoRole { got: role.chars().take(60).collect(), known });
        };
        if !granter.covers(scopes.iter()) {
            return Err(OperatorRefusal::Exceeds(role.clone()));
        }
    }
    Ok(roles.iter().cloned().collect())
}
