//! The test provider behind the trait of payments.

use crate::{
    api::{Authorisation, AuthorisationRequest, AuthorisationStatus},
    client::{ClientError, TestpayClient},
    webhook::{self, EventType},
};
use emporia_contracts::{
    ids::PaymentId,
    payments::{
        PaymentMethod, PaymentProvider, ProviderAuthorisation, ProviderAuthorise, ProviderError,
        ProviderEvent, ProviderStatus,
    },
};
use emporia_money::Money;
use jiff::Timestamp;

/// Payments by the test provider.
pub struct TestpayProvider {
    client: TestpayClient,
    webhook_secret: String,
}

impl TestpayProvider {
    /// Over a client, with the secret that its webhooks are signed with.
    pub fn new(client: TestpayClient, webhook_secret: impl Into<String>) -> Self {
        Self { client, webhook_secret: webhook_secret.into() }
    }

    /// Where an authorisation stands after an operation on it.
    async fn now(&self, provider_id: &str) -> Result<ProviderAuthorisation, ProviderError> {
        told(self.client.authorisation(provider_id).await.map_err(failed)?)
    }
}

fn failed(error: ClientError) -> ProviderError {
    match error {
        ClientError::Refused(problem) => {
            ProviderError::Refused { code: problem.code, message: problem.detail }
        }
        ClientError::Unavailable { problem, retry_after } => ProviderError::Unavailable {
            why: format!("{} {}: {}", problem.status, problem.code, problem.detail),
            retry_after: retry_after.and_then(|wait| wait.try_into().ok()),
        },
        ClientError::NotReached(why) => ProviderError::NotReached(why),
        ClientError::Unknown(why) => ProviderError::Unknown(why),
    }
}

fn told(a: Authorisation) -> Result<ProviderAuthorisation, ProviderError> {
    let currency =
        a.currency.parse().map_err(|e| ProviderError::Unknown(format!("the provider answered: {e}")))?;
    let status = match a.status {
        AuthorisationStatus::Pending => ProviderStatus::Pending,
        AuthorisationStatus::RequiresAction => {
            ProviderStatus::RequiresAction { url: a.action_url.unwrap_or_default() }
        }
        AuthorisationStatus::Authorised => ProviderStatus::Authorised,
        AuthorisationStatus::Declined => {
            // The code as the provider's API spells it.
            let code =
                serde_json::to_value(a.decline_code).ok().and_then(|c| c.as_str().map(ToOwned::to_owned));
            ProviderStatus::Declined { code: code.unwrap_or_else(|| "declined".into()) }
        }
        AuthorisationStatus::Voided => ProviderStatus::Voided,
        AuthorisationStatus::Expired => ProviderStatus::Expired,
    };
    Ok(ProviderAuthorisation {
        provider_id: a.id,
        status,
        amount: Money::new(a.amount_minor, currency),
        captured_minor: a.captured_minor,
        refunded_minor: a.refunded_minor,
        authorised_until: a.authorised_until,
        card_brand: Some(a.card_brand),
        card_last4: Some(a.last4),
    })
}

#[async_trait::async_trait]
impl PaymentProvider for TestpayProvider {
    fn name(&self) -> &'static str {
        "testpay"
    }

    async fn authorise(&self, request: ProviderAuthorise) -> Result<ProviderAuthorisation, ProviderError> {
        let PaymentMethod::CardToken(token) = request.method;
        let wanted = AuthorisationRequest {
            token,
            amount_minor: request.amount.minor(),
            currency: request.amount.currency().code().to_owned(),
            reference: request.payment.to_string(),
            return_url: request.return_url,
        };
        told(self.client.authorise(&wanted, &request.payment.to_string()).await.map_err(failed)?)
    }

    async fn lookup(&self, payment: PaymentId) -> Result<Option<ProviderAuthorisation>, ProviderError> {
        let found = self.client.authorisations_by_reference(&payment.to_string()).await.map_err(failed)?;
        found.into_iter().next().map(told).transpose()
    }

    async fn capture(
        &self,
        provider_id: &str,
        amount: Money,
        key: &str,
    ) -> Result<ProviderAuthorisation, ProviderError> {
        self.client.capture(provider_id, amount.minor(), key).await.map_err(failed)?;
        self.now(provider_id).await
    }

    async fn void(&self, provider_id: &str, key: &str) -> Result<ProviderAuthorisation, ProviderError> {
        self.client.void(provider_id, key).await.map_err(failed)?;
        self.now(provider_id).await
    }

    async fn refund(
        &self,
        provider_id: &str,
        amount: Money,
        key: &str,
    ) -> Result<ProviderAuthorisation, ProviderError> {
        self.client.refund(provider_id, amount.minor(), key).await.map_err(failed)?;
        self.now(provider_id).await
    }

    fn verify_webhook(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, String> {
        let mut map = http::HeaderMap::new();
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
                map.append(name, value);
            }
        }
        let event = webhook::verify(&self.webhook_secret, &map, body, now, webhook::DEFAULT_TOLERANCE)
            .map_err(|e| e.to_string())?;
        let authorisation = event.data.authorisation;
        let payment =
            authorisation.reference.parse().map_err(|e| format!("its reference is not one of ours: {e}"))?;
        let disputed = event.event_type == EventType::DisputeOpened;
        let authorisation = told(authorisation).map_err(|e| e.to_string())?;
        Ok(ProviderEvent { id: event.id, payment, authorisation, disputed })
    }
}
