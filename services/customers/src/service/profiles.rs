use crate::{
    commands::{self, AccountRefusal, AddressChange, ProfileChange},
    model::{AddressBook, Customer, Profile},
    service::{CustomersError, CustomersService},
};
use emporia_contracts::{
    ids::{AddressId, CustomerId},
    values::Address,
};
use emporia_store::{Tx, Version, Versioned};
use emporia_vault::PersonId;
use jiff::Timestamp;

/// A customer, opened.
#[derive(Clone)]
pub struct CustomerView {
    /// The customer.
    pub id: CustomerId,
    /// The person behind.
    pub person: PersonId,
    /// Who he is.
    pub profile: Profile,
    /// Where he has things sent.
    pub addresses: AddressBook,
    /// Since when he has an account.
    pub created_at: Timestamp,
    /// Since when it is known that he reads the mail of his address.
    pub verified_at: Option<Timestamp>,
    /// The account's version.
    pub version: Version,
}

impl std::fmt::Debug for CustomerView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CustomerView({})", self.id)
    }
}

impl CustomersService {
    /// The customer of that id; `None` when there is none or he was erased.
    ///
    /// # Errors
    /// What store and vault report.
    pub async fn customer(&self, id: CustomerId) -> Result<Option<CustomerView>, CustomersError> {
        Ok(self.customers(&[id]).await?.pop().flatten())
    }

    /// As [`CustomersService::customer`], for many in one look.
    ///
    /// # Errors
    /// What store and vault report.
    pub async fn customers(&self, ids: &[CustomerId]) -> Result<Vec<Option<CustomerView>>, CustomersError> {
        let keys: Vec<_> = ids.iter().map(|id| Customer::key_of(*id)).collect();
        let found = self.space.get_many::<Customer>(&keys).await?;
        found.into_iter().map(|customer| Ok(customer.map(|c| self.view(c)).transpose()?.flatten())).collect()
    }

    pub(crate) fn view(&self, customer: Versioned<Customer>) -> Result<Option<CustomerView>, CustomersError> {
        let vault = &self.deps.vault;
        let (profile, addresses) = (vault.unseal(&customer.profile)?, vault.unseal(&customer.addresses)?);
        let (Some(profile), Some(addresses)) = (profile, addresses) else { return Ok(None) };
        Ok(Some(CustomerView {
            id: customer.id,
            person: customer.person,
            profile,
            addresses,
            created_at: customer.created_at,
            verified_at: customer.verified_at,
            version: customer.version,
        }))
    }

    /// Changes name or telephone number.
    ///
    /// # Errors
    /// [`AccountRefusal`]; [`CustomersError::NotFound`]; faults.
    pub async fn update_profile(
        &self,
        id: CustomerId,
        change: &ProfileChange,
        expected: Option<Version>,
    ) -> Result<(), CustomersError> {
        self.space
            .transact(|tx| async move {
                let (mut customer, view) = self.loaded(&tx, id, expected).await?;
                let profile = commands::change_profile(view.profile, change)?;
                customer.profile = self.deps.vault.seal(customer.person, &profile)?;
                Ok(tx.put(&customer)?)
            })
            .await
    }

    /// Enters an address into the book, in the caller's transaction.
    ///
    /// # Errors
    /// [`AccountRefusal`]; [`CustomersError::NotFound`]; faults.
    pub(crate) async fn add_address(
        &self,
        tx: &Tx,
        id: CustomerId,
        address: Address,
        default: bool,
    ) -> Result<AddressId, CustomersError> {
        let entry = self.ids.next();
        let (customer, view) = self.loaded(tx, id, None).await?;
        self.keep(tx, customer, &commands::add_address(view.addresses, entry, address, default)?)?;
        Ok(entry)
    }

    /// Changes an address of the book.
    ///
    /// # Errors
    /// [`AccountRefusal`]; [`CustomersError::NotFound`]; faults.
    pub async fn change_address(
        &self,
        id: CustomerId,
        entry: AddressId,
        change: &AddressChange,
        expected: Option<Version>,
    ) -> Result<(), CustomersError> {
        self.space
            .transact(|tx| async move {
                let (customer, view) = self.loaded(&tx, id, expected).await?;
                self.keep(&tx, customer, &commands::change_address(view.addresses, entry, change)?)
            })
            .await
    }

    /// Takes an address out of the book.
    ///
    /// # Errors
    /// [`AccountRefusal`]; [`CustomersError::NotFound`]; faults.
    pub async fn remove_address(
        &self,
        id: CustomerId,
        entry: AddressId,
        expected: Option<Version>,
    ) -> Result<(), CustomersError> {
        self.space
            .transact(|tx| async move {
                let (customer, view) = self.loaded(&tx, id, expected).await?;
                self.keep(&tx, customer, &commands::remove_address(view.addresses, entry)?)
            })
            .await
    }

    async fn loaded(
        &self,
        tx: &Tx,
        id: CustomerId,
        expected: Option<Version>,
    ) -> Result<(Customer, CustomerView), CustomersError> {
        let gone = || CustomersError::NotFound(format!("customer {id}"));
        let found = tx.get::<Customer>(&Customer::key_of(id)).await?.ok_or_else(gone)?;
        if expected.is_some_and(|expected| expected != found.version) {
            return Err(AccountRefusal::VersionConflict.into());
        }
        let view = self.view(found.clone())?.ok_or_else(gone)?;
        Ok((found.value, view))
    }

    fn keep(&self, tx: &Tx, mut customer: Customer, book: &AddressBook) -> Result<(), CustomersError> {
        customer.addresses = self.deps.vault.seal(customer.person, book)?;
        Ok(tx.put(&customer)?)
    }
}
