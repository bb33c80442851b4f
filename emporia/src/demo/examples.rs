//! Operations to begin with, as GraphiQL shows them.

use emporia_gateway::Example;
use serde_json::json;

/// The examples, in the order of a purchase.
pub fn examples() -> Vec<Example> {
    let example = |name: &str, query: &str, variables| Example {
        name: name.to_owned(),
        query: query.trim().to_owned(),
        variables,
    };
    vec![
        example("Browse", include_str!("examples/browse.graphql"), json!({"category": "womens-t-shirts"})),
        example("Product", include_str!("examples/product.graphql"), json!({"slug": "saucepan-alma-pot"})),
        example("Create cart", include_str!("examples/create_cart.graphql"), json!({"sku": "POT01"})),
        example("Start checkout", include_str!("examples/start_checkout.graphql"), json!({"cart": "crt_…"})),
        example("Operator: sign in", include_str!("examples/sign_in_operator.graphql"), json!({})),
    ]
}
