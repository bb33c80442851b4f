use crate::{
    model::ImportedCustomer,
    service::{CustomersError, CustomersService},
};
use emporia_contracts::{customers::CustomerImported, ids::CustomerId, values::ExternalId};
use emporia_events::{EventMeta, envelope};

impl CustomersService {
    /// Customers of another system, by its ids, in the order asked. The same id again gives the same customer.
    ///
    /// # Errors
    /// What the store reports; what was made until then stays.
    pub async fn import(
        &self,
        external: &[ExternalId],
        meta: &EventMeta,
    ) -> Result<Vec<CustomerId>, CustomersError> {
        let mut customers = Vec::with_capacity(external.len());
        for part in external.chunks(45) {
            let this = self;
            let made = self
                .space
                .transact(|tx| async move {
                    let keys: Vec<_> = part.iter().map(ImportedCustomer::key_of).collect();
                    let known = tx.get_many::<ImportedCustomer>(&keys).await?;
                    let mut customers = Vec::with_capacity(part.len());
                    for (external_id, known) in part.iter().zip(known) {
                        let customer = known.as_ref().map_or_else(|| this.ids.next(), |known| known.customer);
                        if known.is_none() {
                            let external_id = external_id.clone();
                            tx.put(&ImportedCustomer { external_id: external_id.clone(), customer })?;
                            let event = CustomerImported { customer_id: customer, external_id };
                            tx.emit(envelope(&event, meta, &this.ids, this.space.clock().as_ref())?)?;
                        }
                        customers.push(customer);
                    }
                    Ok::<_, CustomersError>(customers)
                })
                .await?;
            customers.extend(made);
        }
        Ok(customers)
    }
}
