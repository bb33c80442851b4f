//! Codes that go by mail. Asking for one does the same whether or not there is an account: it writes down that somebody
//! asked. Who that is, and whether there is anything to send, is looked up afterwards, by
//! [`CustomersService::answer_challenges`].

use crate::{
    commands::{AccountRefusal, asks_anew, try_code},
    model::{Applicant, Challenge, Code, Customer, Holder, MailClaim, Operator, Profile, Purpose, Realm},
    service::{CustomersError, CustomersService, registering::off_the_runtime},
};
use emporia_contracts::{
    customers::{AccountNotice, AccountNoticeIssued, CustomerEmailVerified, NoticeKind},
    ids::CustomerId,
    values::{Email, Locale},
};
use emporia_events::EventMeta;
use emporia_id::typed_code;
use emporia_store::{IndexKey, Key, Query, StoreError, Tx};
use emporia_vault::PersonId;

/// Somebody who can be written to.
struct Addressee {
    person: PersonId,
    profile: Profile,
}

impl CustomersService {
    /// Sends a code to a mail address with which somebody wants to open an account.
    ///
    /// # Errors
    /// [`AccountRefusal::Email`], [`AccountRefusal::TooManyCodes`]; faults. Never whether there is an account.
    pub async fn start_registration(
        &self,
        email: &str,
        locale: &Locale,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let email = mail_address(email)?;
        let person = self.new_person().await?;
        let applicant = Applicant { person, email: self.deps.vault.seal(person, &email)? };
        self.ask(Realm::Customers, Purpose::Register, &email, Some(applicant), locale, meta).await
    }

    /// Sends a code with which a customer who has forgotten his password chooses another one.
    ///
    /// # Errors
    /// As [`CustomersService::start_registration`].
    pub async fn request_password_reset(
        &self,
        email: &str,
        locale: &Locale,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let email = mail_address(email)?;
        self.ask(Realm::Customers, Purpose::ResetPassword, &email, None, locale, meta).await
    }

    /// As [`CustomersService::request_password_reset`], for operators.
    ///
    /// # Errors
    /// As [`CustomersService::start_registration`].
    pub async fn request_operator_password_reset(
        &self,
        email: &str,
        locale: &Locale,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let email = mail_address(email)?;
        self.ask(Realm::Operators, Purpose::ResetPassword, &email, None, locale, meta).await
    }

    /// Sends a customer a code with which he shows that his mail address is his own.
    ///
    /// # Errors
    /// [`CustomersError::NotFound`]; [`AccountRefusal::TooManyCodes`]; faults.
    pub async fn request_email_verification(
        &self,
        customer: CustomerId,
        locale: &Locale,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let found = self.customer(customer).await?;
        let found = found.ok_or_else(|| CustomersError::NotFound(format!("customer {customer}")))?;
        self.ask(Realm::Customers, Purpose::VerifyEmail, &found.profile.email, None, locale, meta).await
    }

    /// Notes that a customer reads the mail of his address.
    ///
    /// # Errors
    /// [`AccountRefusal::CodeWrong`]; [`CustomersError::NotFound`]; faults.
    pub async fn verify_email(
        &self,
        id: CustomerId,
        code: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let right = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Customer>(&Customer::key_of(id)).await?;
                let customer = found.ok_or_else(|| CustomersError::NotFound(format!("customer {id}")))?.value;
                if self.redeem(&tx, Purpose::VerifyEmail, &customer.mail_hash, code).await?.is_none() {
                    return Ok(false);
                }
                self.email_is_read(&tx, customer, meta)?;
                Ok::<_, CustomersError>(true)
            })
            .await?;
        if right { Ok(()) } else { Err(AccountRefusal::CodeWrong.into()) }
    }

    /// Notes, once, that a customer reads the mail of his address.
    pub(crate) fn email_is_read(
        &self,
        tx: &Tx,
        mut customer: Customer,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        if customer.verified_at.is_none() {
            customer.verified_at = Some(self.now());
            tx.put(&customer)?;
            self.emit(tx, &CustomerEmailVerified { customer_id: customer.id }, meta)?;
        }
        Ok(())
    }

    async fn ask(
        &self,
        realm: Realm,
        purpose: Purpose,
        email: &Email,
        applicant: Option<Applicant>,
        locale: &Locale,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let mail_hash = self.mail_hash(realm, email);
        if !self.codes.admits(&format!("{}/{mail_hash}", purpose.name())) {
            return Err(AccountRefusal::TooManyCodes.into());
        }
        let (now, key) = (self.now(), &Challenge::key_of(purpose, &mail_hash));
        let asked = &Challenge {
            realm,
            purpose,
            mail_hash,
            locale: locale.to_string(),
            code: Code::Asked,
            tries: 0,
            asked_at: now,
            expires_at: now.saturating_add(purpose.lifetime()).unwrap_or(now),
            applicant,
            meta: meta.clone(),
        };
        let kept = self
            .space
            .transact(|tx| async move {
                let before = tx.get::<Challenge>(key).await?;
                let mut next = asked.clone();
                if let Some(before) = before {
                    if !asks_anew(&before, now) {
                        next = before.value;
                    } else if before.applicant.is_some() {
                        next.applicant = before.value.applicant;
                    }
                }
                tx.put(&next)?;
                Ok::<_, StoreError>(next.applicant.map(|applicant| applicant.person))
            })
            .await?;
        // Who asked before keeps his key; the one that was made for nothing goes.
        if let Some(made) = asked.applicant.as_ref().map(|a| a.person).filter(|made| kept != Some(*made)) {
            off_the_runtime(&self.deps.vault, move |vault| vault.destroy(made, now)).await?;
        }
        Ok(())
    }

    /// Counts a try of a code in the transaction. The challenge, used up, when the code is right. The caller commits
    /// either way: tries count.
    pub(crate) async fn redeem(
        &self,
        tx: &Tx,
        purpose: Purpose,
        mail_hash: &str,
        code: &str,
    ) -> Result<Option<Challenge>, StoreError> {
        let key = Challenge::key_of(purpose, mail_hash);
        let Some(found) = tx.get::<Challenge>(&key).await? else { return Ok(None) };
        let mut challenge = found.value;
        if try_code(&mut challenge, &self.code_hash(purpose, mail_hash, code), self.now()) {
            tx.delete(&key)?;
            return Ok(Some(challenge));
        }
        tx.put(&challenge)?;
        Ok(None)
    }

    fn code_hash(&self, purpose: Purpose, mail_hash: &str, code: &str) -> String {
        self.deps.mail_hash.of(purpose.name(), &format!("{mail_hash}/{}", typed_code(code)))
    }

    /// Sends the codes that were asked for, and forgets who asked to open an account and did not. How many. One that
    /// cannot be dealt with now does not keep the others waiting.
    ///
    /// # Errors
    /// The first fault, after all have been tried.
    pub async fn answer_challenges(&self) -> Result<usize, CustomersError> {
        let now = IndexKey::new().time(self.now().saturating_add(jiff::SignedDuration::from_nanos(1))?);
        let due = self.space.query_keys::<Challenge>(Query::index("due").to(now).limit(100)).await?;
        let (mut done, mut failed) = (0, None);
        for (_, key) in &due.items {
            match self.answer(key).await {
                Ok(()) => done += 1,
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        failed.map_or(Ok(done), Err)
    }

    async fn answer(&self, key: &Key) -> Result<(), CustomersError> {
        let now = self.now();
        let forgotten = self
            .space
            .transact(|tx| async move {
                let Some(found) = tx.get::<Challenge>(key).await?.filter(|c| c.due() <= now) else {
                    return Ok(None);
                };
                let mut challenge = found.value;
                if challenge.expires_at <= now {
                    tx.delete(key)?;
                    let Some(applicant) = challenge.applicant else { return Ok(None) };
                    self.open_erasure(&tx, applicant.person, &challenge.meta).await?;
                    return Ok::<_, CustomersError>(Some(applicant.person));
                }
                challenge.code = self.send(&tx, &challenge).await?;
                tx.put(&challenge)?;
                Ok(None)
            })
            .await?;
        match forgotten {
            Some(person) => self.finish_erasure(person).await,
            None => Ok(()),
        }
    }

    /// Writes to whoever has the mail address.
    async fn send(&self, tx: &Tx, challenge: &Challenge) -> Result<Code, CustomersError> {
        let claim = tx.get::<MailClaim>(&MailClaim::key_of(&challenge.mail_hash)).await?;
        let holder = claim.map(|claim| claim.value.holder);
        let (kind, to) = match (challenge.purpose, &challenge.applicant) {
            (Purpose::Register, Some(applicant)) => {
                let email = self.deps.vault.unseal::<Email>(&applicant.email)?;
                let profile = |email| Profile { email, name: None, phone: None };
                let to = email.map(|email| Addressee { person: applicant.person, profile: profile(email) });
                match holder {
                    Some(_) => (NoticeKind::AlreadyRegistered, to),
                    None => (NoticeKind::RegistrationCode, to),
                }
            }
            (Purpose::Register, None) => return Ok(Code::Nobody),
            (Purpose::ResetPassword, _) => (NoticeKind::PasswordCode, self.addressee(tx, holder).await?),
            (Purpose::VerifyEmail, _) => (NoticeKind::EmailCode, self.addressee(tx, holder).await?),
        };
        let Some(to) = to else { return Ok(Code::Nobody) };
        let code = (kind != NoticeKind::AlreadyRegistered).then(|| self.ids.code());
        let hash = code.as_ref().map(|c| self.code_hash(challenge.purpose, &challenge.mail_hash, c));
        let notice = AccountNotice {
            email: to.profile.email,
            name: to.profile.name,
            valid_until: code.as_ref().map(|_| challenge.expires_at),
            code,
        };
        self.tell(tx, to.person, kind, &notice, &challenge.locale, &challenge.meta)?;
        Ok(hash.map_or(Code::Nobody, Code::Sent))
    }

    async fn addressee(&self, tx: &Tx, holder: Option<Holder>) -> Result<Option<Addressee>, CustomersError> {
        let sealed = match holder {
            Some(Holder::Customer(id)) => {
                tx.get::<Customer>(&Customer::key_of(id)).await?.map(|found| found.value.profile)
            }
            Some(Holder::Operator(id)) => {
                tx.get::<Operator>(&Operator::key_of(id)).await?.map(|found| found.value.profile)
            }
            None => None,
        };
        let Some(sealed) = sealed else { return Ok(None) };
        let profile = self.deps.vault.unseal::<Profile>(&sealed)?;
        Ok(profile.map(|profile| Addressee { person: sealed.person, profile }))
    }

    /// Tells a person something about his account, in the transaction.
    pub(crate) fn tell(
        &self,
        tx: &Tx,
        person: PersonId,
        kind: NoticeKind,
        notice: &AccountNotice,
        locale: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let notice = self.deps.vault.seal(person, notice)?;
        let event = AccountNoticeIssued { person_id: person, kind, locale: locale.to_owned(), notice };
        Ok(self.emit(tx, &event, meta)?)
    }
}

pub(super) fn mail_address(text: &str) -> Result<Email, AccountRefusal> {
    text.parse().map_err(|_| AccountRefusal::Email)
}
