use crate::{
    commands::{AccountRefusal, password_fits},
    model::{Customer, Holder, MailClaim, Operator, Profile, Purpose, Realm, Session},
    service::{CustomersError, CustomersService, SignedIn, challenging::mail_address, sessions::AT_ONCE},
};
use emporia_contracts::{
    Principal,
    customers::{AccountNotice, NoticeKind, PasswordChanged},
    values::Locale,
};
use emporia_events::EventMeta;
use emporia_store::{Children, Tx};

impl CustomersService {
    /// Gives a customer who shows the code of his mail another password, and ends all his sessions. A code that is right
    /// also shows that the address is his own.
    ///
    /// # Errors
    /// [`AccountRefusal`]: address, password, [`AccountRefusal::CodeWrong`], [`AccountRefusal::TooManyAttempts`];
    /// faults.
    pub async fn reset_password(
        &self,
        email: &str,
        code: &str,
        password: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        self.reset(Realm::Customers, email, code, password, meta).await
    }

    /// As [`CustomersService::reset_password`], for operators.
    ///
    /// # Errors
    /// As [`CustomersService::reset_password`].
    pub async fn reset_operator_password(
        &self,
        email: &str,
        code: &str,
        password: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        self.reset(Realm::Operators, email, code, password, meta).await
    }

    async fn reset(
        &self,
        realm: Realm,
        email: &str,
        code: &str,
        password: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let email = mail_address(email)?;
        password_fits(password, &email)?;
        let mail_hash = &self.mail_hash(realm, &email);
        self.attempt(mail_hash)?;
        // Before the code is looked at: a wrong one is as much work as the right one.
        let hash = &self.deps.passwords.hash(password).await?;
        let done = self
            .space
            .transact(|tx| async move {
                let redeemed = self.redeem(&tx, Purpose::ResetPassword, mail_hash, code).await?;
                let claim = tx.get::<MailClaim>(&MailClaim::key_of(mail_hash)).await?;
                let (Some(challenge), Some(claim)) = (redeemed, claim) else { return Ok(None) };
                self.set_password(&tx, claim.holder, hash, &challenge.locale, meta).await?;
                if let Holder::Customer(id) = claim.holder
                    && let Some(found) = tx.get::<Customer>(&Customer::key_of(id)).await?
                {
                    if found.verified_at.is_none() {
                        // Whoever waited in this account for the owner of its address waits in vain.
                        self.forget_passkeys(&tx, claim.holder).await?;
                        self.forget_identities(&tx, id).await?;
                    }
                    self.email_is_read(&tx, found.value, meta)?;
                }
                Ok::<_, CustomersError>(Some(claim.value.holder))
            })
            .await?;
        self.end_sessions(done.ok_or(AccountRefusal::CodeWrong)?).await?;
        Ok(())
    }

    /// Gives somebody who is signed in and knows his password another one, ends all his sessions and opens one.
    ///
    /// # Errors
    /// [`AccountRefusal::InvalidCredentials`], [`AccountRefusal::TooManyAttempts`], [`AccountRefusal::Password`];
    /// [`CustomersError::NotFound`] for whoever has no account; faults.
    pub async fn change_password(
        &self,
        who: &Principal,
        current: &str,
        password: &str,
        locale: &Locale,
        meta: &EventMeta,
    ) -> Result<SignedIn, CustomersError> {
        let nobody = || CustomersError::NotFound("account of the caller".into());
        let holder = Holder::of(who).ok_or_else(nobody)?;
        let account = self.account_of(holder).await?;
        let profile: Profile = self.deps.vault.unseal(&account.profile)?.ok_or_else(nobody)?;
        password_fits(password, &profile.email)?;
        self.shows_password(&account, current).await?;
        let hash = &self.deps.passwords.hash(password).await?;
        self.space
            .transact(|tx| async move { self.set_password(&tx, holder, hash, locale.as_str(), meta).await })
            .await?;
        self.end_sessions(holder).await?;
        let opened = self
            .space
            .transact(|tx| async move { Ok::<_, CustomersError>(self.open_session(&tx, holder)?) })
            .await?;
        let who = self.who(holder).await?.ok_or_else(nobody)?;
        Ok(self.signed_in(who, opened.refresh_token))
    }

    /// Sets the password, ends sessions, and tells the holder. Very many sessions do not fit into one transaction: those
    /// left over are ended by the caller, after it.
    async fn set_password(
        &self,
        tx: &Tx,
        holder: Holder,
        hash: &str,
        locale: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let gone = || CustomersError::NotFound(holder.to_string());
        let profile = match holder {
            Holder::Customer(id) => {
                let mut customer = tx.get::<Customer>(&Customer::key_of(id)).await?.ok_or_else(gone)?.value;
                customer.password = Some(hash.to_owned());
                tx.put(&customer)?;
                customer.profile
            }
            Holder::Operator(id) => {
                let mut operator = tx.get::<Operator>(&Operator::key_of(id)).await?.ok_or_else(gone)?.value;
                hash.clone_into(&mut operator.password);
                tx.put(&operator)?;
                operator.profile
            }
        };
        let all = Children::of(Session::all_of(holder).partition()).limit(AT_ONCE);
        for session in tx.children::<Session>(all).await? {
            tx.delete(&Session::key_of(session.holder, &session.id))?;
        }
        self.emit(tx, &PasswordChanged { owner: holder.to_string() }, meta)?;
        if let Some(Profile { email, name, .. }) = self.deps.vault.unseal(&profile)? {
            let notice = AccountNotice { email, name, code: None, valid_until: None };
            self.tell(tx, profile.person, NoticeKind::PasswordChanged, &notice, locale, meta)?;
        }
        Ok(())
    }
}
