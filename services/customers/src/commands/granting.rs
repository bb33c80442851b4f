use emporia_auth::Scopes;

/// Who grants.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Granter<'a> {
    /// Whoever runs the machine.
    System,
    /// Somebody with these scopes.
    Holding(&'a Scopes),
}

impl Granter<'_> {
    /// Whether he holds it himself: everywhere, or at that very place.
    pub(crate) fn holds(&self, scope: &str) -> bool {
        match self {
            Self::System => true,
            Self::Holding(held) => {
                let everywhere = scope.split_once('@').map_or(scope, |(scope, _)| scope);
                held.has(everywhere) || held.has(scope)
            }
        }
    }

    /// Whether he holds all of these.
    pub(crate) fn covers<'a>(&self, mut scopes: impl Iterator<Item = &'a str>) -> bool {
        scopes.all(|scope| self.holds(scope))
    }
}
