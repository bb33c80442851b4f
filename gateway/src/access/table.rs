//! The declarations of a whole schema.

use std::collections::{BTreeMap, HashMap};

use super::{
    declaration::{self, Declared},
    requirement::Requirement,
};
use crate::config::UndeclaredAccess;

/// Why the declarations of a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The text is not a schema.
    #[error("schema cannot be parsed: {0}")]
    Parse(String),
    /// Both "everybody" and "only some".
    #[error("{field} is declared @public and also @authenticated, @requiresScopes, @policy or @authModes")]
    Contradiction {
        /// `Type.field`
        field: String,
    },
    /// `@requiresScopes` without a list of lists of strings.
    #[error("{field}: @requiresScopes needs scopes: [[String!]!]!, with at least one list and no empty list")]
    BadScopes {
        /// `Type.field`
        field: String,
    },
    /// `@policy` without a list of lists of strings.
    #[error("{field}: @policy needs policies: [[String!]!]!, with at least one list and no empty list")]
    BadPolicies {
        /// `Type.field`
        field: String,
    },
    /// `@authModes` without kinds of credentials.
    #[error("{field}: @authModes needs modes: a list of some of \"SESSION\", \"OIDC\", \"API_KEY\"")]
    BadModes {
        /// `Type.field`
        field: String,
    },
    /// Root fields that nobody thought about.
    #[error("no @public, @authenticated or @requiresScopes on: {}", .fields.join(", "))]
    Undeclared {
        /// `Type.field` of each.
        fields: Vec<String>,
    },
}

#[derive(Debug, Clone, Default)]
pub(crate) struct FieldAccess {
    pub(crate) requirement: Requirement,
    pub(crate) public: bool,
    /// The named type the field leads to.
    pub(crate) leads_to: String,
}

/// The access declarations of a schema: of a supergraph, or of one subgraph that answers over a network.
#[derive(Debug, Default)]
pub struct Access {
    pub(crate) types: HashMap<String, HashMap<String, FieldAccess>>,
    pub(crate) roots: [String; 3],
}

impl Access {
    /// Reads the declarations of a schema text.
    ///
    /// # Errors
    /// When they contradict each other, or a root field has none and `undeclared` does not accept that.
    pub fn from_sdl(sdl: &str, undeclared: UndeclaredAccess) -> Result<Self, AccessError> {
        let declarations = declaration::read(sdl)?;
        let mut access = Self { roots: declarations.roots, ..Self::default() };
        let mut interfaces: Vec<(String, String)> = vec![];
        for ty in declarations.types {
            interfaces.extend(ty.implements.into_iter().map(|i| (i, ty.name.clone())));
            let entry = access.types.entry(ty.name.clone()).or_default();
            for field in ty.fields {
                let Declared { mut requirement, public } = field.declared;
                // A type that demands something demands it of each of its fields, also of a public one.
                requirement.and(&ty.declared.requirement);
                entry.insert(field.name, FieldAccess { requirement, public, leads_to: field.leads_to });
            }
        }
        access.share_between_interfaces(&interfaces);
        access.settle_undeclared(undeclared)?;
        Ok(access)
    }

    /// What an implementation demands, its interface demands too, and the other way round: neither may be a
    /// way around the other.
    fn share_between_interfaces(&mut self, implementations: &[(String, String)]) {
        let mut additions: Vec<(String, String, Requirement)> = vec![];
        for (interface, member) in implementations {
            let (Some(of_interface), Some(of_member)) = (self.types.get(interface), self.types.get(member))
            else {
                continue;
            };
            for (field, own) in of_interface {
                let Some(theirs) = of_member.get(field) else { continue };
                additions.push((interface.clone(), field.clone(), theirs.requirement.clone()));
                additions.push((member.clone(), field.clone(), own.requirement.clone()));
            }
        }
        for (ty, field, requirement) in additions {
            if let Some(access) = self.types.get_mut(&ty).and_then(|t| t.get_mut(&field)) {
                access.requirement.and(&requirement);
            }
        }
    }

    fn settle_undeclared(&mut self, undeclared: UndeclaredAccess) -> Result<(), AccessError> {
        let mut missing = vec![];
        for root in self.roots.clone() {
            for (name, field) in self.types.get_mut(&root).into_iter().flatten() {
                let own = matches!(name.as_str(), "_entities" | "_service") || name.starts_with("__");
                if own || field.public || !field.requirement.is_open() {
                    continue;
                }
                missing.push(format!("{root}.{name}"));
                field.requirement.undeclared = undeclared != UndeclaredAccess::Allow;
            }
        }
        if undeclared == UndeclaredAccess::RefuseToStart && !missing.is_empty() {
            missing.sort();
            return Err(AccessError::Undeclared { fields: missing });
        }
        Ok(())
    }

    /// What a field of a type demands.
    pub fn requirement(&self, ty: &str, field: &str) -> Option<&Requirement> {
        self.types.get(ty)?.get(field).map(|f| &f.requirement)
    }

    /// Every field that says something, `Type.field`, in order; for documentation and for tests.
    pub fn declarations(&self) -> BTreeMap<String, Requirement> {
        let said = |(ty, fields): (&String, &HashMap<String, FieldAccess>)| {
            let ty = ty.clone();
            let of = fields.iter().filter(|(_, f)| f.public || !f.requirement.is_open());
            of.map(|(name, f)| (format!("{ty}.{name}"), f.requirement.clone())).collect::<Vec<_>>()
        };
        self.types.iter().flat_map(said).collect()
    }
}
