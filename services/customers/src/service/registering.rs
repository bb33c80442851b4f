use crate::{
    commands::{AccountRefusal, new_profile, password_fits},
    model::{AddressBook, Customer, Holder, MailClaim, PersonIndex, Profile, Purpose, Realm},
    service::{CustomerView, CustomersError, CustomersService, SignedIn, Who, sessions::Opened},
};
use emporia_contracts::{customers::CustomerRegistered, ids::CustomerId};
use emporia_events::EventMeta;
use emporia_store::{Tx, Version};
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
    /// Opens an account for somebody whose mail address is known to be his own (a sample, a migration), and signs in.
    /// The mail address is the key: a second account with it is refused.
    ///
    /// # Errors
    /// [`AccountRefusal`]; faults.
    pub async fn open_account(
        &self,
        who: Registration,
        meta: &EventMeta,
    ) -> Result<SignedIn, CustomersError> {
        let profile = checked(&who)?;
        let mail_hash = &self.mail_hash(Realm::Customers, &profile.email);
        // Spares the work of hashing; whether the address is free is decided below.
        if self.space.get::<MailClaim>(&MailClaim::key_of(mail_hash)).await?.is_some() {
            return Err(AccountRefusal::EmailTaken.into());
        }
        let password = self.deps.passwords.hash(&who.password).await?;
        let person = self.new_person().await?;
        let customer = &self.account(person, mail_hash, Some(&password), &profile)?;
        let landed =
            self.space.transact_versioned(|tx| async move { self.enter(&tx, customer, meta).await }).await?;
        Ok(self.entered(customer, profile, landed.value, landed.version))
    }

    /// Opens an account for somebody who shows the code that was sent to his mail address
    /// ([`CustomersService::start_registration`]), and signs in.
    ///
    /// # Errors
    /// [`AccountRefusal`]: what was told is not acceptable, [`AccountRefusal::CodeWrong`],
    /// [`AccountRefusal::TooManyAttempts`]; faults.
    pub async fn register(
        &self,
        who: Registration,
        code: &str,
        meta: &EventMeta,
    ) -> Result<SignedIn, CustomersError> {
        let profile = checked(&who)?;
        let mail_hash = &self.mail_hash(Realm::Customers, &profile.email);
        self.attempt(mail_hash)?;
        // Before the code is looked at: a wrong one is as much work as the right one.
        let (profile, password) = (&profile, &self.deps.passwords.hash(&who.password).await?);
        let landed = self
            .space
            .transact_versioned(|tx| async move {
                let redeemed = self.redeem(&tx, Purpose::Register, mail_hash, code).await?;
                let Some(applicant) = redeemed.and_then(|challenge| challenge.applicant) else {
                    return Ok(None);
                };
                let mut customer = self.account(applicant.person, mail_hash, Some(password), profile)?;
                customer.verified_at = Some(customer.created_at);
                let opened = self.enter(&tx, &customer, meta).await?;
                Ok::<_, CustomersError>(Some((customer, opened)))
            })
            .await?;
        let (customer, opened) = landed.value.ok_or(AccountRefusal::CodeWrong)?;
        Ok(self.entered(&customer, profile.clone(), opened, landed.version))
    }

    pub(crate) fn account(
        &self,
        person: PersonId,
        mail_hash: &str,
        password: Option<&str>,
        profile: &Profile,
    ) -> Result<Customer, CustomersError> {
        Ok(Customer {
            id: self.ids.next::<CustomerId>(),
            person,
            mail_hash: mail_hash.to_owned(),
            password: password.map(ToOwned::to_owned),
            profile: self.deps.vault.seal(person, profile)?,
            addresses: self.deps.vault.seal(person, &AddressBook::default())?,
            created_at: self.now(),
            verified_at: None,
        })
    }

    /// Enters a new account and its first session, in the transaction.
    pub(crate) async fn enter(
        &self,
        tx: &Tx,
        customer: &Customer,
        meta: &EventMeta,
    ) -> Result<Opened, CustomersError> {
        let (holder, person) = (Holder::Customer(customer.id), customer.person);
        if tx.get::<MailClaim>(&MailClaim::key_of(&customer.mail_hash)).await?.is_some() {
            return Err(AccountRefusal::EmailTaken.into());
        }
        tx.put(&MailClaim { hash: customer.mail_hash.clone(), holder })?;
        tx.insert(customer)?;
        tx.insert(&PersonIndex { person, holder })?;
        let event = CustomerRegistered { customer_id: customer.id, person_id: person };
        self.emit(tx, &event, meta)?;
        Ok(self.open_session(tx, holder)?)
    }

    fn entered(
        &self,
        customer: &Customer,
        profile: Profile,
        opened: Opened,
        version: Option<Version>,
    ) -> SignedIn {
        let view = CustomerView {
            id: customer.id,
            person: customer.person,
            profile,
            addresses: AddressBook::default(),
            created_at: customer.created_at,
            verified_at: customer.verified_at,
            version: version.unwrap_or(Version::NEW),
        };
        self.signed_in(Who::Customer(Box::new(view)), opened.refresh_token)
    }

    /// A person whose key is on disk.
    pub(crate) async fn new_person(&self) -> Result<PersonId, CustomersError> {
        Ok(off_the_runtime(&self.deps.vault, |vault| vault.new_person()).await?)
    }
}

fn checked(who: &Registration) -> Result<Profile, AccountRefusal> {
    let profile = new_profile(&who.email, who.name.as_deref(), who.phone.as_deref())?;
    password_fits(&who.password, &profile.email)?;
    Ok(profile)
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
