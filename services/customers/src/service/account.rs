use crate::{
    commands::AccountRefusal,
    model::{Customer, Holder, Operator},
    service::{CustomersError, CustomersService},
};
use emporia_store::{StoreError, Tx};
use emporia_vault::Sealed;

/// What the accounts of customers and operators have in common.
pub(crate) struct AccountFacts {
    pub(crate) mail_hash: String,
    /// PHC string; none when the holder signs in by other means alone.
    pub(crate) password: Option<String>,
    /// [`crate::Profile`].
    pub(crate) profile: Sealed,
}

impl From<Customer> for AccountFacts {
    fn from(customer: Customer) -> Self {
        Self { mail_hash: customer.mail_hash, password: customer.password, profile: customer.profile }
    }
}

impl From<Operator> for AccountFacts {
    fn from(operator: Operator) -> Self {
        let Operator { mail_hash, password, profile, .. } = operator;
        Self { mail_hash, password: Some(password), profile }
    }
}

impl CustomersService {
    pub(crate) async fn account_in(
        &self,
        tx: &Tx,
        holder: Holder,
    ) -> Result<Option<AccountFacts>, StoreError> {
        Ok(match holder {
            Holder::Customer(id) => {
                tx.get::<Customer>(&Customer::key_of(id)).await?.map(|found| found.value.into())
            }
            Holder::Operator(id) => {
                tx.get::<Operator>(&Operator::key_of(id)).await?.map(|found| found.value.into())
            }
        })
    }

    pub(crate) async fn account_of(&self, holder: Holder) -> Result<AccountFacts, CustomersError> {
        let found: Option<AccountFacts> = match holder {
            Holder::Customer(id) => {
                self.space.get::<Customer>(&Customer::key_of(id)).await?.map(|found| found.value.into())
            }
            Holder::Operator(id) => {
                self.space.get::<Operator>(&Operator::key_of(id)).await?.map(|found| found.value.into())
            }
        };
        found.ok_or_else(|| gone(holder))
    }

    /// Checks that it is the holder himself who asks, by his password.
    pub(crate) async fn shows_password(
        &self,
        account: &AccountFacts,
        password: &str,
    ) -> Result<(), CustomersError> {
        let stored = account.password.as_deref().ok_or(AccountRefusal::NoPassword)?;
        self.attempt(&account.mail_hash)?;
        self.check_password(password, Some(stored)).await
    }
}

pub(crate) fn gone(holder: Holder) -> CustomersError {
    CustomersError::NotFound(holder.to_string())
}
