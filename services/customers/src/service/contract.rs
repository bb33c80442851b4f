use crate::service::{CustomersError, CustomersService};
use emporia_contracts::{
    Fault,
    customers::{Account, Customers, PersonalData},
    ids::CustomerId,
};
use emporia_vault::PersonId;

#[async_trait::async_trait]
impl Customers for CustomersService {
    async fn account(&self, customer: CustomerId) -> Result<Option<Account>, Fault> {
        let found = self.customer(customer).await.map_err(fault)?;
        Ok(found.map(|c| Account { customer: c.id, person: c.person, email: c.profile.email }))
    }

    async fn guest_person(&self) -> Result<PersonId, Fault> {
        self.new_person().await.map_err(fault)
    }
}

#[async_trait::async_trait]
impl PersonalData for CustomersService {
    fn room(&self) -> &'static str {
        "customers"
    }

    async fn export(&self, person: PersonId) -> Result<serde_json::Value, Fault> {
        self.export_own(person).await.map_err(fault)
    }

    async fn erase(&self, person: PersonId) -> Result<(), Fault> {
        self.erase_own(person).await.map_err(fault)
    }
}

pub(crate) fn fault(error: CustomersError) -> Fault {
    match error {
        CustomersError::Fault(fault) => fault,
        CustomersError::Store(error) if error.is_retryable() => Fault::transient("customers", error),
        error => Fault::permanent("customers", error),
    }
}
