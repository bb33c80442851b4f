use cedar_policy::{
    Authorizer, Context, Decision, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy,
    PolicySet, PrincipalConstraint, Request, ResourceConstraint, Schema, ValidationMode, Validator,
};
use emporia_auth::Scopes;
use emporia_contracts::Place;
use miette::Diagnostic;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

const SCHEMA: &str = include_str!("roles.cedarschema");
const BUILT_IN: &str = include_str!("roles.cedar");

/// Decisions that are kept: a role at a place.
const KEPT: u64 = 10_000;

/// Why policies are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policies of roles{}: {what}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct PolicyError {
    /// Where, as far as it is known.
    pub line: Option<usize>,
    /// What is wrong, and what to write.
    pub what: String,
}

/// What roles permit, and where. Cheap to clone.
///
/// A role is granted by its name for the whole shop (`fulfilment`), or at one place (`fulfilment@location:berlin`). What it
/// permits there are scopes of the same form: `orders:fulfil`, `orders:fulfil@location:berlin`. Cedar decides once for each
/// role and place; from then on it is looked up.
#[derive(Clone)]
pub struct Policies(Arc<Inner>);

struct Inner {
    policies: PolicySet,
    schema: Option<Schema>,
    actions: Vec<String>,
    /// What each role permits without saying where.
    roles: BTreeMap<String, Scopes>,
    placed: moka::sync::Cache<String, Arc<Scopes>>,
}

impl Policies {
    /// The roles of every shop.
    pub fn built_in() -> Self {
        // They are tried by a test; without them nobody may do anything.
        Self::with("").unwrap_or_else(|error| {
            tracing::error!(%error, "the built-in roles cannot be read");
            Self(Arc::new(Inner {
                policies: PolicySet::new(),
                schema: None,
                actions: vec![],
                roles: BTreeMap::new(),
                placed: moka::sync::Cache::new(KEPT),
            }))
        })
    }

    /// The roles of every shop, and the retailer's own: `permit` policies whose principal is `in Role::"name"`, with the
    /// actions and resources of `roles.cedarschema`, and nothing beside that.
    ///
    /// # Errors
    /// [`PolicyError`] says which line, and what to write.
    pub fn with(own: &str) -> Result<Self, PolicyError> {
        let schema = Schema::from_str(SCHEMA).map_err(|e| PolicyError { line: None, what: e.to_string() })?;
        let mut policies = read(BUILT_IN, &schema)?;
        let renaming = true;
        policies
            .merge(&read(own, &schema)?, renaming)
            .map_err(|e| PolicyError { line: None, what: e.to_string() })?;
        let mut actions: Vec<String> =
            schema.actions().map(|action| action.id().unescaped().into()).collect();
        actions.sort_unstable();
        let mut inner = Inner {
            policies,
            schema: Some(schema),
            actions,
            roles: BTreeMap::new(),
            placed: moka::sync::Cache::new(KEPT),
        };
        inner.roles = inner.compiled();
        Ok(Self(Arc::new(inner)))
    }

    /// The names of all roles, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.roles.keys().map(String::as_str)
    }

    /// What a granted role permits; `None` when there is no such role, or it permits nothing at that place.
    pub fn scopes(&self, granted: &str) -> Option<Arc<Scopes>> {
        let Some((role, place)) = granted.split_once('@') else {
            return self.0.roles.get(granted).cloned().map(Arc::new);
        };
        let place: Place = place.parse().ok().filter(|_| self.0.roles.contains_key(role))?;
        let scopes = self.0.placed.get_with_by_ref(granted, || Arc::new(self.0.at(role, &place)));
        Some(scopes).filter(|scopes| !scopes.is_empty())
    }

    /// Whether this is a scope, with a place only where what it permits has one of that kind.
    pub fn is_scope(&self, text: &str) -> bool {
        match text.split_once('@') {
            None => self.0.actions.iter().any(|action| action == text),
            Some((action, place)) => place.parse().is_ok_and(|place: Place| self.0.has_place(action, &place)),
        }
    }

    /// What the access token of somebody with these roles says: the scopes that he holds everywhere, and the roles that he
    /// has at places; what those permit is looked up when the token is shown ([`Policies::held`]), so that it stays short.
    pub(crate) fn token_scopes(&self, granted: &BTreeSet<String>) -> Scopes {
        let (placed, everywhere): (Vec<&str>, Vec<&str>) =
            granted.iter().map(String::as_str).partition(|role| role.contains('@'));
        self.scopes_of(everywhere).iter().chain(placed).collect()
    }

    /// What somebody holds whose token says this.
    pub(crate) fn held(&self, token: &Scopes) -> Scopes {
        let (placed, everywhere): (Vec<&str>, Vec<&str>) =
            token.iter().partition(|text| self.is_placed_role(text));
        self.scopes_of(placed).iter().chain(everywhere).collect()
    }

    fn is_placed_role(&self, text: &str) -> bool {
        text.split_once('@').is_some_and(|(role, _)| self.0.roles.contains_key(role))
    }

    /// All that these granted roles permit together. Roles that are not known permit nothing.
    pub fn scopes_of<'a>(&self, granted: impl IntoIterator<Item = &'a str>) -> Scopes {
        let scopes: Vec<Arc<Scopes>> = granted.into_iter().filter_map(|role| self.scopes(role)).collect();
        scopes.iter().flat_map(|scopes| scopes.iter()).collect()
    }
}

impl Inner {
    /// For each role: what it permits for the whole shop, and at the places that policies name themselves.
    fn compiled(&self) -> BTreeMap<String, Scopes> {
        let (mut roles, mut places) = (BTreeSet::new(), BTreeSet::new());
        for policy in self.policies.policies() {
            roles.extend(role_of(policy).map(|role| role.id().unescaped().to_owned()));
            places.extend(place_of(policy));
        }
        let compiled = |role: String| {
            let everywhere: Vec<String> =
                self.actions.iter().filter(|action| self.permits(&role, action, None)).cloned().collect();
            let named = places.iter().flat_map(|place| self.at(&role, place).into_set());
            let beyond = named.filter(|scope| {
                let action = scope.split('@').next().unwrap_or_default();
                !everywhere.iter().any(|held| held == action)
            });
            let scopes: Scopes = beyond.chain(everywhere.iter().cloned()).collect();
            (role, scopes)
        };
        roles.into_iter().map(compiled).collect()
    }

    /// What a role permits that is granted at this place alone.
    fn at(&self, role: &str, place: &Place) -> Scopes {
        let permitted = self.actions.iter().filter(|action| self.permits(role, action, Some(place)));
        permitted.map(|action| place.of(action)).collect()
    }

    fn has_place(&self, action: &str, place: &Place) -> bool {
        let (kind, key) = match place {
            Place::Channel(key) => ("Channel", key.as_str()),
            Place::Location(key) => ("Location", key.as_str()),
        };
        let asked = (uid("Staff", "one"), uid("Action", action), uid(kind, key));
        let (Some(staff), Some(action), Some(place)) = asked else { return false };
        self.schema.is_some()
            && Request::new(staff, action, place, Context::empty(), self.schema.as_ref()).is_ok()
    }

    /// Asks Cedar. What cannot even be asked (an action that has no place) is not permitted.
    fn permits(&self, role: &str, action: &str, place: Option<&Place>) -> bool {
        let (staff, role, shop) = (uid("Staff", "one"), uid("Role", role), uid("Shop", "all"));
        let (Some(staff), Some(role), Some(shop), Some(action)) = (staff, role, shop, uid("Action", action))
        else {
            return false;
        };
        let place = match place {
            None => Some(shop.clone()),
            Some(Place::Channel(key)) => uid("Channel", key.as_str()),
            Some(Place::Location(key)) => uid("Location", key.as_str()),
        };
        let Some(place) = place else { return false };
        let within = if place == shop { HashSet::new() } else { HashSet::from([shop]) };
        let entities = [
            Entity::new_no_attrs(staff.clone(), HashSet::from([role])),
            Entity::new_no_attrs(place.clone(), within),
        ];
        let Ok(entities) = Entities::from_entities(entities, self.schema.as_ref()) else { return false };
        match Request::new(staff, action, place, Context::empty(), self.schema.as_ref()) {
            Ok(asked) => {
                let decided = Authorizer::new().is_authorized(&asked, &self.policies, &entities);
                decided.decision() == Decision::Allow
            }
            Err(_) => false,
        }
    }
}

fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).ok()?, EntityId::new(id)))
}

/// The role that a policy is about.
fn role_of(policy: &Policy) -> Option<EntityUid> {
    match policy.principal_constraint() {
        PrincipalConstraint::In(role) | PrincipalConstraint::IsIn(_, role) => Some(role),
        PrincipalConstraint::Any | PrincipalConstraint::Eq(_) | PrincipalConstraint::Is(_) => None,
    }
}

/// The place that a policy is bounded to.
fn place_of(policy: &Policy) -> Option<Place> {
    let (ResourceConstraint::Eq(place) | ResourceConstraint::In(place)) = policy.resource_constraint() else {
        return None;
    };
    match place.type_name().basename() {
        "Channel" => place.id().unescaped().parse().ok().map(Place::Channel),
        "Location" => place.id().unescaped().parse().ok().map(Place::Location),
        _ => None,
    }
}

/// Reads policies, and refuses what would not mean what it says.
fn read(text: &str, schema: &Schema) -> Result<PolicySet, PolicyError> {
    let at = |error: &dyn Diagnostic, what: String| {
        let offset = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
        let line = offset.and_then(|offset| text.get(..offset)).map(|before| before.lines().count().max(1));
        PolicyError { line, what }
    };
    let policies = PolicySet::from_str(text).map_err(|errors| match errors.iter().next() {
        Some(error) => at(error, error.to_string()),
        None => PolicyError { line: None, what: errors.to_string() },
    })?;
    let mut ids: Vec<&Policy> = policies.policies().collect();
    ids.sort_by_key(|policy| policy.id().to_string());
    for policy in ids {
        let shape = "write: permit (principal in Role::\"name\", action in [Action::\"…\"], resource);";
        let wrong =
            |what: &str| PolicyError { line: None, what: format!("{}: {what}; {shape}", policy.id()) };
        if policy.effect() == Effect::Forbid {
            return Err(wrong("what no role permits is forbidden already, and nothing more can be"));
        }
        if policy.has_non_scope_constraint() {
            return Err(wrong("conditions (when, unless) cannot be decided beforehand"));
        }
        if role_of(policy)
            .is_none_or(|role| role.type_name().basename() != "Role" || !is_name(role.id().unescaped()))
        {
            return Err(wrong(
                "the principal has to be in a role whose name is of letters, digits and hyphens",
            ));
        }
    }
    if policies.templates().next().is_some() {
        return Err(PolicyError { line: None, what: "templates are for programs: write policies".into() });
    }
    let found = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
    if let Some(error) = found.validation_errors().next() {
        return Err(at(error, error.to_string()));
    }
    // Such as one that never permits anything: that is a mistake too.
    match found.validation_warnings().next() {
        Some(warning) => Err(at(warning, warning.to_string())),
        None => Ok(policies),
    }
}

fn is_name(text: &str) -> bool {
    (1..=60).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
