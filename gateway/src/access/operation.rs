//! What one operation demands: worked out once, checked at every request.

use std::collections::HashMap;

use async_graphql::{Name, PathSegment, Value, Variables};

use super::{requirement::Requirement, table::Access};
use crate::{
    caller::Caller,
    error::{ErrorCode, GatewayError, ResponseError},
    operation::{self, Condition, Document, Fragment, Operation, OperationKind, Selection, SelectionSet},
};

/// A demand of a selection, and the conditions (`@skip`, `@include`) under which it is selected.
#[derive(Debug, Clone)]
struct Rule {
    requirement: Requirement,
    path: Vec<String>,
    when: Vec<(Name, bool)>,
}

/// Everything an operation demands of the caller.
#[derive(Debug, Clone, Default)]
pub struct OperationAccess {
    rules: Vec<Rule>,
}

impl OperationAccess {
    /// Whether anybody may run the operation.
    pub(crate) fn is_open(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the caller may run the operation with these variables. Costs next to nothing: equal demands
    /// are kept once.
    ///
    /// # Errors
    /// One error for each refused selection, with its path.
    pub fn check(&self, caller: &Caller, variables: &Variables) -> Result<(), Vec<ResponseError>> {
        let mut errors = vec![];
        for rule in &self.rules {
            // As in execution: what is not true (a null, too) does not skip and does not include.
            let is_true = |name| variables.get(name) == Some(&Value::Boolean(true));
            let selected = rule.when.iter().all(|(name, at)| is_true(name) == *at);
            let Err(refusal) = rule.requirement.check(caller) else { continue };
            if !selected {
                continue;
            }
            let at = match rule.path.as_slice() {
                [] => "what this operation needs along the way".to_owned(),
                path => path.join("."),
            };
            let message = match refusal {
                super::Refusal::Unauthenticated => format!("You must be signed in to select {at}."),
                super::Refusal::Forbidden => format!("You may not select {at}."),
                super::Refusal::WrongMode => {
                    let modes = rule.requirement.modes.iter().flatten().map(|mode| mode.name());
                    let modes = modes.collect::<Vec<_>>().join(" or ");
                    format!("You may not select {at} with this kind of credential: it takes {modes}.")
                }
            };
            let path = rule.path.iter().cloned().map(PathSegment::Field).collect();
            errors.push(ResponseError::new(refusal.code(), message).at(path));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

impl OperationAccess {
    /// Also demands what an operation of a subgraph does that is sent on the way, when `when` holds: fields that
    /// `@requires` reads are demanded of the caller, though the caller did not name them.
    pub(crate) fn absorb(&mut self, other: &Self, when: &[(Name, bool)]) {
        for rule in &other.rules {
            let when: Vec<_> = rule.when.iter().chain(when).cloned().collect();
            if !is_known(&self.rules, &rule.requirement, &when) {
                self.rules.push(Rule { requirement: rule.requirement.clone(), path: vec![], when });
            }
        }
    }
}

/// Whether a rule says it already, under the same conditions or fewer.
fn is_known(rules: &[Rule], requirement: &Requirement, when: &[(Name, bool)]) -> bool {
    rules.iter().any(|r| r.requirement == *requirement && r.when.iter().all(|w| when.contains(w)))
}

impl Access {
    /// What an operation of a document demands. The document must be free of fragment cycles.
    pub(crate) fn of_operation(&self, document: &Document, operation: &Operation) -> OperationAccess {
        let root = match operation::kind(operation) {
            OperationKind::Query => &self.roots[0],
            OperationKind::Mutation => &self.roots[1],
            OperationKind::Subscription => &self.roots[2],
        };
        let mut walk = Walk {
            access: self,
            left: BUDGET,
            fragments: operation::fragments(document).map(|f| (f.name.as_str(), f)).collect(),
            rules: vec![],
            path: vec![],
            when: vec![],
        };
        walk.set(root, operation::selection_set(operation));
        OperationAccess { rules: walk.rules }
    }

    /// What a text sent to a subgraph demands; for a subgraph that answers over a network and must not rely
    /// on the gateway alone.
    ///
    /// # Errors
    /// When the text is no GraphQL or names no operation.
    pub fn of_text(
        &self,
        query: &str,
        operation_name: Option<&str>,
    ) -> Result<OperationAccess, GatewayError> {
        let parsed = hive_router_query_planner::utils::parsing::safe_parse_operation(query);
        let document = parsed.map_err(|e| GatewayError::new(ErrorCode::GraphqlParseFailed, e.to_string()))?;
        let operation = operation::select(&document, operation_name)?;
        if crate::limits::has_fragment_cycle(&document) {
            return Err(GatewayError::new(
                ErrorCode::GraphqlValidationFailed,
                "Fragments must not contain themselves.",
            ));
        }
        Ok(self.of_operation(&document, operation))
    }
}

/// Selections looked at before giving up; a gateway's limits are far below, a subgraph server may have none.
const BUDGET: u32 = 50_000;

struct Walk<'a> {
    access: &'a Access,
    left: u32,
    fragments: HashMap<&'a str, &'a Fragment>,
    rules: Vec<Rule>,
    path: Vec<String>,
    when: Vec<(Name, bool)>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, ty: &str, set: &'a SelectionSet) {
        for selection in &set.items {
            let Some(left) = self.left.checked_sub(1) else {
                // Nobody may run what is too large to be judged.
                self.demand(&Requirement { undeclared: true, ..Requirement::default() });
                return;
            };
            self.left = left;
            let directives = match selection {
                Selection::Field(f) => &f.directives,
                Selection::InlineFragment(f) => &f.directives,
                Selection::FragmentSpread(f) => &f.directives,
            };
            let outer = self.when.len();
            let mut never = false;
            for condition in operation::conditions(directives) {
                match condition {
                    Condition::Constant(counts) => never |= !counts,
                    Condition::Variable(name, at) => self.when.push((Name::new(name), at)),
                }
            }
            if !never {
                self.selection(ty, selection);
            }
            self.when.truncate(outer);
        }
    }

    fn selection(&mut self, ty: &str, selection: &'a Selection) {
        match selection {
            Selection::Field(field) => {
                self.path.push(field.alias.as_ref().unwrap_or(&field.name).clone());
                let access = self.access;
                match access.types.get(ty).and_then(|t| t.get(&field.name)) {
                    Some(found) => {
                        self.demand(&found.requirement);
                        self.set(&found.leads_to, &field.selection_set);
                    }
                    // `_entities` is a way in without a declaration of its own: its type conditions lead on.
                    None => self.set("", &field.selection_set),
                }
                self.path.pop();
            }
            Selection::InlineFragment(inline) => {
                let on =
                    inline.type_condition.as_ref().map(|operation::TypeCondition::On(name)| name.as_str());
                self.set(on.unwrap_or(ty), &inline.selection_set);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = self.fragments.get(spread.fragment_name.as_str()).copied() {
                    let operation::TypeCondition::On(on) = &fragment.type_condition;
                    self.set(on, &fragment.selection_set);
                }
            }
        }
    }

    fn demand(&mut self, requirement: &Requirement) {
        if !requirement.is_open() && !is_known(&self.rules, requirement, &self.when) {
            let (path, when) = (self.path.clone(), self.when.clone());
            self.rules.push(Rule { requirement: requirement.clone(), path, when });
        }
    }
}
