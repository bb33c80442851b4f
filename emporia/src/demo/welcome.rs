//! What the demo prints when it is ready.

use crate::demo::DEMO_PASSWORD;
use std::{path::Path, time::Duration};

/// What runs where, and five commands to try.
pub fn welcome(http: &str, psp: &str, data_dir: &Path, took: Duration) -> String {
    let graphql = format!("curl -s http://{http}/graphql -H 'content-type: application/json'");
    format!(
        r#"
Emporia is ready ({:.1} s). Everything runs in this process; the data is in {}.

  http://{http}/graphql     the aggregation API (POST)
  http://{http}/graphiql    try it in a browser, with examples
  http://{http}/metrics     Prometheus; /healthz, /readyz
  http://{psp}              test payment provider: card pages, ledger

  Sign in as ada@example.com (customer) or admin@example.com (operator), password {DEMO_PASSWORD}

Five commands to try:

  1. Browse (add -H 'emporia-channel: us' or jp, -H 'accept-language: de'):
     {graphql} -d '{{"query":"{{ products(category: \"coffee\", first: 3) {{ nodes {{ title variants {{ sku price {{ unit {{ amount currencyCode }} }} availability {{ quantity }} }} }} }} }}"}}'

  2. Fill a cart as a guest:
     {graphql} -d '{{"query":"mutation {{ createCart(input: {{lines: [{{sku: \"COF01-1\", quantity: 2}}]}}) {{ guestToken cart {{ id subtotal {{ amount currencyCode }} }} }} }}"}}'

  3. A token for the test card 4242 4242 4242 4242, from the provider and not from us:
     curl -s http://{psp}/v1/tokens -H 'content-type: application/json' -d '{{"number":"4242424242424242","expMonth":12,"expYear":2031,"cvc":"123"}}'

  4. Buy it in one call (put in guest token, cart and card token):
     {graphql} -H 'emporia-guest: GUEST_TOKEN' -d '{{"query":"mutation {{ placeOrder(input: {{cartId: \"CART\", email: \"ada@example.com\", shippingAddress: {{name: \"Ada\", line1: \"Torstrasse 1\", city: \"Berlin\", postalCode: \"10119\", countryCode: \"DE\"}}, deliveryOption: \"standard\", cardToken: \"TOKEN\", idempotencyKey: \"my-first-order\"}}) {{ order {{ number totals {{ total {{ amount currencyCode }} }} }} userErrors {{ code message }} }} }}"}}'

  5. The confirmation that was sent is in {}/outbox

Ctrl-C stops it.
"#,
        took.as_secs_f64(),
        data_dir.display(),
        data_dir.display(),
    )
}
