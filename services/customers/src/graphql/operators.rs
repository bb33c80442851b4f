use super::{service, settled, types};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use emporia_subgraph::{UserError, access::*, context};

/// Makes an operator or associate.
#[derive(InputObject)]
pub struct CreateOperatorInput {
    /// The mail address with which he signs in.
    email: String,
    /// His name.
    name: String,
    /// His first password: 8 to 128 characters.
    #[graphql(secret)]
    password: String,
    /// `admin`, `merchandiser`, `fulfilment`, `service`, `analyst`.
    roles: Vec<String>,
}

/// What came of making an operator.
#[derive(SimpleObject)]
pub struct CreateOperatorPayload {
    /// The operator.
    operator: Option<types::Operator>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// Operators and their rights.
#[derive(Default)]
pub struct Operators;

#[Object]
impl Operators {
    /// Makes an operator or associate. Nobody grants more than he holds. The mail address is the key: asking again
    /// makes no second one.
    #[graphql(directive = requires_scopes::apply(scope("operators:write")))]
    async fn create_operator(
        &self,
        ctx: &Context<'_>,
        input: CreateOperatorInput,
    ) -> Result<CreateOperatorPayload> {
        let (service, asks) = (service(ctx)?, context(ctx)?);
        let CreateOperatorInput { email, name, password, roles } = input;
        let made =
            service.create_operator(&email, &name, &password, &roles, &asks.principal, &asks.meta()).await;
        Ok(match settled(made)? {
            Ok(operator) => CreateOperatorPayload {
                operator: Some(types::Operator::new(operator, &service.roles)),
                user_errors: vec![],
            },
            Err(user_errors) => CreateOperatorPayload { operator: None, user_errors },
        })
    }
}
