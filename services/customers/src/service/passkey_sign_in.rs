//! Signing in with a passkey: customers with it alone, operators after their password.

use crate::{
    commands::AccountRefusal,
    model::{CeremonyPurpose, Customer, HalfSignIn, Holder, Passkey},
    service::{
        CeremonyStart, CustomersError, CustomersService, SignedIn, Who,
        passkeys::{broken, parsed},
    },
};
use emporia_auth::secret_hash;
use emporia_contracts::{
    customers::{CustomerSignedIn, PasskeyCloneSuspected},
    ids::CustomerId,
};
use emporia_events::EventMeta;
use emporia_store::{StoreError, Tx};
use webauthn_rs::prelude::{
    AuthenticationResult, Passkey as Credential, PublicKeyCredential, WebauthnError, WebauthnResult,
};

impl CustomersService {
    /// Begins the sign-in of a customer whom his device knows. It takes no mail address, and says nothing about any.
    ///
    /// # Errors
    /// [`AccountRefusal::NoPasskeys`]; faults.
    pub async fn start_passkey_sign_in(&self) -> Result<CeremonyStart, CustomersError> {
        let site = self.site()?;
        self.space
            .transact(|tx| async move {
                let (challenge, state) =
                    site.webauthn().start_discoverable_authentication().map_err(broken)?;
                self.begin(&tx, CeremonyPurpose::SignIn { state }, &challenge.public_key)
            })
            .await
    }

    /// Signs the customer in whose device answered: `credential` is its JSON. The device has verified that it is he
    /// (by finger, face or PIN).
    ///
    /// # Errors
    /// [`AccountRefusal::PasskeyWrong`], in the same words whatever is wrong; [`AccountRefusal::PasskeyForm`]; faults.
    pub async fn sign_in_with_passkey(
        &self,
        ceremony: &str,
        credential: &str,
        meta: &EventMeta,
    ) -> Result<SignedIn, CustomersError> {
        let (site, credential) = (self.site()?.webauthn(), &parsed::<PublicKeyCredential>(credential)?);
        let opened = self
            .space
            .transact(|tx| async move {
                let Some(CeremonyPurpose::SignIn { state }) = self.take(&tx, ceremony).await? else {
                    return Ok(None);
                };
                let Ok((handle, _)) = site.identify_discoverable_authentication(credential) else {
                    return Ok(None);
                };
                let id = CustomerId::from(handle);
                let holder = Holder::Customer(id);
                let verify = |passkey: &Credential| {
                    site.finish_discoverable_authentication_v2(credential, state, passkey)
                };
                if !self.accepts(&tx, holder, credential, verify, meta).await? {
                    return Ok(None);
                }
                let Some(customer) = tx.get::<Customer>(&Customer::key_of(id)).await? else {
                    return Ok(None);
                };
                self.emit(&tx, &CustomerSignedIn { customer_id: id }, meta)?;
                Ok::<_, StoreError>(Some((customer, self.open_session(&tx, holder)?)))
            })
            .await?;
        let (customer, opened) = opened.ok_or(AccountRefusal::PasskeyWrong)?;
        let view = self.view(customer)?.ok_or(AccountRefusal::PasskeyWrong)?;
        Ok(self.signed_in(Who::Customer(Box::new(view)), opened.refresh_token))
    }

    /// Begins the second step of an operator's sign-in with a passkey instead of a code.
    ///
    /// # Errors
    /// [`AccountRefusal::SessionEnded`] when the first step has to be done again; [`AccountRefusal::NoPasskey`] when he
    /// has none; [`AccountRefusal::NoPasskeys`]; faults.
    pub async fn start_passkey_second_step(&self, challenge: &str) -> Result<CeremonyStart, CustomersError> {
        let site = self.site()?;
        let half = &secret_hash(challenge);
        self.space
            .transact(|tx| async move {
                let operator = self.half_signed_in(&tx, &HalfSignIn::key_of(half)).await?;
                let known = self.passkeys_in(&tx, Holder::Operator(operator.id)).await?;
                if known.is_empty() {
                    return Err(AccountRefusal::NoPasskey.into());
                }
                let known: Vec<_> = known.into_iter().map(|passkey| passkey.credential).collect();
                let (challenge, state) =
                    site.webauthn().start_passkey_authentication(&known).map_err(broken)?;
                let purpose = CeremonyPurpose::SecondStep { half: half.clone(), state };
                self.begin(&tx, purpose, &challenge.public_key)
            })
            .await
    }

    /// The second step with a passkey: opens the session of an operator whose device answered.
    ///
    /// # Errors
    /// [`AccountRefusal::PasskeyWrong`], [`AccountRefusal::PasskeyForm`]; [`AccountRefusal::SessionEnded`] when the first
    /// step has to be done again; faults.
    pub async fn complete_sign_in_with_passkey(
        &self,
        challenge: &str,
        ceremony: &str,
        credential: &str,
        meta: &EventMeta,
    ) -> Result<SignedIn, CustomersError> {
        let (site, credential) = (self.site()?.webauthn(), &parsed::<PublicKeyCredential>(credential)?);
        let hash = &secret_hash(challenge);
        let opened = self
            .space
            .transact(|tx| async move {
                let key = HalfSignIn::key_of(hash);
                let operator = self.half_signed_in(&tx, &key).await?;
                let state = match self.take(&tx, ceremony).await? {
                    Some(CeremonyPurpose::SecondStep { half, state }) if half == *hash => state,
                    _ => return Ok(None),
                };
                let holder = Holder::Operator(operator.id);
                let verify = |_: &Credential| site.finish_passkey_authentication(credential, &state);
                if !self.accepts(&tx, holder, credential, verify, meta).await? {
                    return Ok(None);
                }
                tx.delete(&key)?;
                Ok::<_, CustomersError>(Some((holder, self.open_session(&tx, holder)?)))
            })
            .await?;
        let (holder, opened) = opened.ok_or(AccountRefusal::PasskeyWrong)?;
        let who = self.who(holder).await?.ok_or(AccountRefusal::SessionEnded)?;
        Ok(self.signed_in(who, opened.refresh_token))
    }

    /// Whether the holder has this passkey still and the device's answer is right. Its counter is kept, in the
    /// transaction: an answer with an older one comes from a copy.
    async fn accepts(
        &self,
        tx: &Tx,
        holder: Holder,
        shown: &PublicKeyCredential,
        verify: impl FnOnce(&Credential) -> WebauthnResult<AuthenticationResult>,
        meta: &EventMeta,
    ) -> Result<bool, StoreError> {
        let key = Passkey::key_of(holder, &Passkey::id_of(shown.get_credential_id()));
        let Some(found) = tx.get::<Passkey>(&key).await? else { return Ok(false) };
        let mut passkey = found.value;
        let verified = verify(&passkey.credential).and_then(|result| {
            let grown = passkey.credential.update_credential(&result) == Some(true);
            match result.counter() {
                // It was shown elsewhere since the challenge was made.
                1.. if !grown => Err(WebauthnError::CredentialPossibleCompromise),
                _ => Ok(()),
            }
        });
        match verified {
            Ok(()) => {
                passkey.used_at = Some(self.now());
                tx.put(&passkey)?;
                Ok(true)
            }
            Err(reason) => {
                tracing::info!(%reason, "a passkey is refused");
                if matches!(reason, WebauthnError::CredentialPossibleCompromise) {
                    let event = PasskeyCloneSuspected { owner: holder.to_string(), passkey_id: passkey.id };
                    self.emit(tx, &event, meta)?;
                }
                Ok(false)
            }
        }
    }
}
