//! Forgetting a person: written down first, then done room by room, then the key is destroyed. Every step may be
//! repeated, so whatever was interrupted is taken up again by [`CustomersService::sweep`].

use crate::{
    model::{Customer, Erasure, Holder, MailClaim, Operator, PersonIndex, Progress},
    service::{CustomersError, CustomersService, registering::off_the_runtime},
};
use emporia_contracts::{context::system_meta, customers::PersonErased, ids::CustomerId};
use emporia_events::EventMeta;
use emporia_store::{Query, StoreError, Tx};
use emporia_vault::{PersonId, VaultError};

impl CustomersService {
    /// Forgets a person in all rooms, for good. Idempotent. When a room does not answer, the erasure stays open and
    /// [`CustomersService::sweep`] goes on with it.
    ///
    /// # Errors
    /// [`CustomersError::NotFound`] for somebody who was never known; faults.
    pub async fn erase_person(&self, person: PersonId, meta: &EventMeta) -> Result<(), CustomersError> {
        self.rooms()?;
        if self.space.get::<Erasure>(&Erasure::key_of(person)).await?.is_none() {
            match self.deps.vault.seal(person, &()) {
                Err(VaultError::NoKey(_)) => {
                    return Err(CustomersError::NotFound(format!("person {person}")));
                }
                known => known?,
            };
        }
        self.request_erasure(person, meta).await?;
        self.finish_erasure(person).await
    }

    /// Forgets a customer who asks for it himself and proves that it is he.
    ///
    /// # Errors
    /// [`AccountRefusal::InvalidCredentials`], [`AccountRefusal::TooManyAttempts`]; [`CustomersError::NotFound`]; faults.
    pub async fn erase_customer(
        &self,
        customer: CustomerId,
        password: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let account = self.account_of(Holder::Customer(customer)).await?;
        self.shows_password(&account, password).await?;
        self.erase_person(account.profile.person, meta).await
    }

    /// Sends the codes that were asked for, and finishes erasures that were interrupted. How many of these. One that
    /// cannot be finished now does not hold up the others.
    ///
    /// # Errors
    /// The first fault, after all have been tried: what is left is left for the next time.
    pub async fn sweep(&self) -> Result<usize, CustomersError> {
        let (mut finished, mut failed, mut after) = (0, self.answer_challenges().await.err(), None);
        loop {
            let page =
                self.space.query::<Erasure>(Query::index("open").limit(100).after(after.take())).await?;
            after = page.items.last().map(|(cursor, _)| cursor.clone());
            for (_, erasure) in &page.items {
                match self.finish_erasure(erasure.person).await {
                    Ok(()) => finished += 1,
                    Err(error) => drop(failed.get_or_insert(error)),
                }
            }
            if !page.has_more || after.is_none() {
                return failed.map_or(Ok(finished), Err);
            }
        }
    }

    /// Applies again what the key file says was erased: after the store was restored from an older backup. How many.
    ///
    /// # Errors
    /// Faults.
    pub async fn replay_erasures(&self) -> Result<usize, CustomersError> {
        let erased = off_the_runtime(&self.deps.vault, |vault| vault.erasures()).await?;
        let mut again = 0;
        for (person, _) in erased {
            let found = self.space.get::<Erasure>(&Erasure::key_of(person)).await?;
            if found.is_none_or(|erasure| erasure.progress == Progress::Open) {
                self.request_erasure(person, &system_meta("restore", person.to_string(), None)).await?;
                self.finish_erasure(person).await?;
                again += 1;
            }
        }
        Ok(again)
    }

    async fn request_erasure(&self, person: PersonId, meta: &EventMeta) -> Result<(), StoreError> {
        self.space.transact(|tx| async move { self.open_erasure(&tx, person, meta).await }).await
    }

    /// Writes down in the transaction that a person is to be forgotten.
    pub(crate) async fn open_erasure(
        &self,
        tx: &Tx,
        person: PersonId,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        if tx.get::<Erasure>(&Erasure::key_of(person)).await?.is_some() {
            return Ok(());
        }
        let index = tx.get::<PersonIndex>(&PersonIndex::key_of(person)).await?;
        let customer = match index.map(|index| index.value.holder) {
            Some(Holder::Customer(id)) => Some(id),
            _ => None,
        };
        tx.put(&Erasure {
            person,
            customer,
            requested_at: self.now(),
            progress: Progress::Open,
            meta: meta.clone(),
        })
    }

    pub(crate) async fn finish_erasure(&self, person: PersonId) -> Result<(), CustomersError> {
        let key = &Erasure::key_of(person);
        if self.space.get::<Erasure>(key).await?.is_none_or(|e| e.progress != Progress::Open) {
            return Ok(());
        }
        // Our own room first: from here on nobody can sign in and enter something new.
        self.erase_own(person).await?;
        for room in self.rooms()?.iter() {
            room.erase(person).await?;
        }
        let now = self.now();
        off_the_runtime(&self.deps.vault, move |vault| vault.destroy(person, now)).await?;
        self.space
            .transact(|tx| async move {
                let Some(found) = tx.get::<Erasure>(key).await? else { return Ok(()) };
                let mut erasure = found.value;
                if erasure.progress != Progress::Open {
                    return Ok(());
                }
                erasure.progress = Progress::Done(now);
                let event = PersonErased { person_id: person, customer_id: erasure.customer };
                self.emit(&tx, &event, &erasure.meta)?;
                tx.put(&erasure)
            })
            .await
            .map_err(CustomersError::from)
    }

    /// Removes the account, its sessions and everything by which it can be found.
    pub(crate) async fn erase_own(&self, person: PersonId) -> Result<(), CustomersError> {
        let key = &PersonIndex::key_of(person);
        let Some(index) = self.space.get::<PersonIndex>(key).await? else { return Ok(()) };
        let holder = index.value.holder;
        self.space
            .transact(|tx| async move {
                let (account, mail_hash) = match holder {
                    Holder::Customer(id) => {
                        let found = tx.get::<Customer>(&Customer::key_of(id)).await?;
                        (Customer::key_of(id), found.map(|c| c.value.mail_hash))
                    }
                    Holder::Operator(id) => {
                        let found = tx.get::<Operator>(&Operator::key_of(id)).await?;
                        (Operator::key_of(id), found.map(|o| o.value.mail_hash))
                    }
                };
                self.forget_passkeys(&tx, holder).await?;
                if let Holder::Customer(id) = holder {
                    self.forget_identities(&tx, id).await?;
                }
                if let Some(hash) = mail_hash {
                    tx.delete(&MailClaim::key_of(&hash))?;
                    tx.delete(&account)?;
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        // Without an account no session can be opened any more, and these end. The way from the person to here goes
        // last: until then the erasure can be taken up again.
        self.end_sessions(holder).await?;
        self.space.transact(|tx| async move { tx.delete(key) }).await?;
        Ok(())
    }
}
