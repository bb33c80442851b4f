use crate::{
    commands::{AccountRefusal, new_profile, password_fits},
    model::{AddressBook, Customer, Holder, MailClaim, PersonIndex},
    service::{CustomerView, CustomersError, CustomersService, Realm, SignedIn, Who, sessions::Opened},
};
use emporia_contracts::{customers::CustomerRegistered, ids::CustomerId};
use emporia_events::EventMeta;
use emporia_vault::{PersonId, Vault, VaultError};

/// What somebody tells who opens an account.
pub struct Registration {
    /// His mail address.
    pub email: String,
    /// The password that he has chosen.
    pub password: String,
    /// His name.
    pub name: Option<String>,
    /// His telephone number.
    pub phone: Option<String>,
}

impl CustomersService {
    /// Opens an account and signs in. The mail address is the key: a second registration with it is refused.
    ///
    /// # Errors
    /// [`AccountRefusal`]; faults.
    pub async fn register(&self, who: Registration, meta: &EventMeta) -> Result<SignedIn, CustomersError> {
        let profile = new_profile(&who.email, who.name.as_deref(), who.phone.as_deref())?;
        password_fits(&who.password, &profile.email)?;
        let mail_hash = self.mail_hash(Realm::Customers, &profile.email);
        let claim = &MailClaim::key_of(&mail_hash);
        // Spares the work of hashing; whether the address is free is decided below.
        if self.space.get::<MailClaim>(claim).await?.is_some() {
            return Err(AccountRefusal::EmailTaken.into());
        }
        let password = self.deps.passwords.hash(&who.password).await?;
        let person = self.new_person().await?;
        let customer = &Customer {
            id: self.ids.next::<CustomerId>(),
            person,
            mail_hash,
            password,
            profile: self.deps.vault.seal(person, &profile)?,
            addresses: self.deps.vault.seal(person, &AddressBook::default())?,
            created_at: self.now(),
        };
        let holder = Holder::Customer(customer.id);
        let landed = self
            .space
            .transact_versioned(|tx| async move {
                if tx.get::<MailClaim>(claim).await?.is_some() {
                    return Err(CustomersError::from(AccountRefusal::EmailTaken));
                }
                tx.put(&MailClaim { hash: customer.mail_hash.clone(), holder })?;
                tx.insert(customer)?;
                tx.insert(&PersonIndex { person, holder })?;
                let event = CustomerRegistered { customer_id: customer.id, person_id: person };
                self.emit(&tx, &event, meta)?;
                Ok(self.open_session(&tx, holder)?)
            })
            .await?;
        let Opened { refresh_token } = landed.value;
        let view = CustomerView {
            id: customer.id,
            person,
            profile,
            addresses: AddressBook::default(),
            created_at: customer.created_at,
            version: landed.version.unwrap_or(emporia_store::Version::NEW),
        };
        Ok(self.signed_in(Who::Customer(Box::new(view)), refresh_token))
    }

    /// A person whose key is on disk.
    pub(crate) async fn new_person(&self) -> Result<PersonId, CustomersError> {
        Ok(off_the_runtime(&self.deps.vault, |vault| vault.new_person()).await?)
    }
}

/// Making and destroying keys waits for the disk.
pub(crate) async fn off_the_runtime<R: Send + 'static>(
    vault: &Vault,
    act: impl FnOnce(&Vault) -> Result<R, VaultError> + Send + 'static,
) -> Result<R, emporia_contracts::Fault> {
    let vault = vault.clone();
    let done = tokio::task::spawn_blocking(move || act(&vault)).await;
    let failed = |error: &dyn std::fmt::Display| emporia_contracts::Fault::transient("vault", error);
    done.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
}
