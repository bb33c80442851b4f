use crate::{
    model::{Checkout, CheckoutState},
    service::CheckoutService,
};
use emporia_contracts::{Fault, customers::PersonalData, orders::OrderContact};
use emporia_store::{IndexKey, Query, StoreError};
use emporia_vault::PersonId;
use serde_json::{Value, json};

fn fault(error: StoreError) -> Fault {
    if error.is_retryable() {
        Fault::transient("checkout", error)
    } else {
        Fault::permanent("checkout", error)
    }
}

#[async_trait::async_trait]
impl PersonalData for CheckoutService {
    fn room(&self) -> &'static str {
        "checkout"
    }

    /// Checkouts that did not become an order; the others are what orders export.
    async fn export(&self, person: PersonId) -> Result<Value, Fault> {
        let prefix = IndexKey::new().text(&person.to_string());
        let (mut checkouts, mut after) = (vec![], None);
        loop {
            let query = Query::index("checkouts_by_person").prefix(prefix.clone()).limit(200).after(after);
            let page = self.space.query::<Checkout>(query).await.map_err(fault)?;
            after = page.items.last().map(|(cursor, _)| cursor.clone());
            for (_, checkout) in page.items.iter().filter(|(_, c)| c.state != CheckoutState::Completed) {
                let contact = self.vault.unseal::<OrderContact>(&checkout.contact);
                checkouts.push(json!({
                    "startedAt": checkout.started_at,
                    "state": checkout.state,
                    "contact": contact.map_err(|e| Fault::permanent("checkout", e))?,
                }));
            }
            if !page.has_more {
                return Ok(Value::Array(checkouts));
            }
        }
    }

    async fn erase(&self, _: PersonId) -> Result<(), Fault> {
        // Contacts are sealed under the person's key: they go with it.
        Ok(())
    }
}
