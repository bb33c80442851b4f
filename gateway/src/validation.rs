//! The rules by which documents are valid: those of the library, and what it leaves out.

use graphql_tools::{
    ast::{OperationVisitor, OperationVisitorContext},
    static_graphql::query::Field,
    validation::{
        rules::{ValidationRule, ValidationVisitor, default_rules_validation_plan},
        utils::{ValidationError, ValidationErrorContext},
        validate::ValidationPlan,
    },
};

/// All rules.
pub(crate) fn rules() -> ValidationPlan {
    let mut rules = default_rules_validation_plan();
    rules.add_rule(Box::new(MetaFields));
    rules
}

/// Fields that begin with `__` are those of introspection, where and as the specification has them (GraphQL, 4.1, 4.2): the
/// library's rules pass over them, since no schema defines them.
struct MetaFields;

impl<'doc> OperationVisitor<'doc, ValidationErrorContext> for MetaFields {
    fn enter_field(
        &mut self,
        context: &mut OperationVisitorContext<'doc>,
        errors: &mut ValidationErrorContext,
        field: &Field,
    ) {
        let parent = context.current_parent_type().map(|ty| ty.name());
        let message = match field.name.as_str() {
            "__typename" if field.selection_set.items.is_empty() && field.arguments.is_empty() => return,
            "__typename" => "Field \"__typename\" has no arguments and no subfields.".to_owned(),
            "__schema" | "__type" if parent == context.schema.query_type_name().map(String::as_str) => return,
            name if name.starts_with("__") => {
                format!("Cannot query field \"{name}\" on type \"{}\".", parent.unwrap_or_default())
            }
            _ => return,
        };
        let locations = vec![field.position];
        errors.report_error(ValidationError { error_code: self.error_code(), locations, message });
    }
}

impl ValidationRule for MetaFields {
    fn error_code(&self) -> &'static str {
        "MetaFields"
    }

    fn visitor<'doc>(&self) -> ValidationVisitor<'doc> {
        Box::new(Self)
    }
}
