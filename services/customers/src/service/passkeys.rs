//! Passkeys (W3C Web Authentication, level 3): registering, listing, renaming and removing them.

use crate::{
    commands::{AccountRefusal, name_text},
    model::{Ceremony, CeremonyPurpose, Holder, MOST_PASSKEYS, Operator, Passkey, Profile},
    service::{CustomersError, CustomersService, RelyingParty, account::gone},
};
use emporia_auth::secret_hash;
use emporia_contracts::{
    Principal,
    customers::{AccountNotice, NoticeKind, PasskeyRegistered, PasskeyRemoved},
    values::Locale,
};
use emporia_events::EventMeta;
use emporia_store::{Children, StoreError, Tx};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use webauthn_rs::prelude::{RegisterPublicKeyCredential, WebauthnError};
use webauthn_rs_proto::ResidentKeyRequirement;

/// How long a device may take to answer.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// What a device answers is shorter, in bytes.
const LONGEST_CREDENTIAL: usize = 16 * 1024;

/// A challenge for a device.
pub struct CeremonyStart {
    /// Leads back here, once. A secret.
    pub ceremony: String,
    /// For `navigator.credentials`, as JSON.
    pub options: String,
    /// Until when the device may answer.
    pub expires_at: Timestamp,
}

/// A passkey, as its holder sees it.
#[derive(Debug, Clone)]
pub struct PasskeyView {
    /// Which.
    pub id: String,
    /// What he calls it.
    pub name: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last shown.
    pub used_at: Option<Timestamp>,
}

impl CustomersService {
    /// Begins to register a passkey for whoever asks; if he has a password, he shows it. Operators show passkeys instead
    /// of the codes of an authenticator, so they have one first: with it come the recovery codes.
    ///
    /// # Errors
    /// [`AccountRefusal::NoPasskeys`], [`AccountRefusal::InvalidCredentials`], [`AccountRefusal::TooManyAttempts`],
    /// [`AccountRefusal::PasskeyLimit`], [`AccountRefusal::SecondFactorState`]; [`CustomersError::NotFound`] for whoever
    /// has no account; faults.
    pub async fn start_passkey(
        &self,
        who: &Principal,
        password: Option<&str>,
    ) -> Result<CeremonyStart, CustomersError> {
        let site = self.site()?;
        let holder = holder(who)?;
        let account = self.account_of(holder).await?;
        if account.password.is_some() {
            self.shows_password(&account, password.unwrap_or_default()).await?;
        }
        let profile: Profile = self.deps.vault.unseal(&account.profile)?.ok_or_else(|| gone(holder))?;
        self.space
            .transact(|tx| {
                let profile = &profile;
                async move {
                    self.may_have_passkeys(&tx, holder).await?;
                    let known = self.passkeys_in(&tx, holder).await?;
                    if known.len() >= MOST_PASSKEYS {
                        return Err(AccountRefusal::PasskeyLimit.into());
                    }
                    let known = known.iter().map(|passkey| passkey.credential.cred_id().clone()).collect();
                    let (email, name) = (profile.email.as_str(), profile.name.as_deref());
                    let name = name.unwrap_or(email);
                    let (mut challenge, state) = site
                        .webauthn()
                        .start_passkey_registration(holder.uuid(), email, name, Some(known))
                        .map_err(broken)?;
                    // Who signs in with it alone does not say first who he is: the device has to know.
                    if let (Holder::Customer(_), Some(device)) =
                        (holder, challenge.public_key.authenticator_selection.as_mut())
                    {
                        device.resident_key = Some(ResidentKeyRequirement::Required);
                        device.require_resident_key = true;
                    }
                    self.begin(&tx, CeremonyPurpose::Register { holder, state }, &challenge.public_key)
                }
            })
            .await
    }

    /// Registers the passkey that a device made for [`CustomersService::start_passkey`]: `credential` is its JSON. The
    /// holder is told by mail.
    ///
    /// # Errors
    /// [`AccountRefusal::PasskeyWrong`], [`AccountRefusal::PasskeyForm`], [`AccountRefusal::Text`] for the name, and those
    /// of [`CustomersService::start_passkey`].
    pub async fn finish_passkey(
        &self,
        who: &Principal,
        ceremony: &str,
        credential: &str,
        name: &str,
        locale: &Locale,
        meta: &EventMeta,
    ) -> Result<PasskeyView, CustomersError> {
        let (site, holder, name) = (self.site()?, holder(who)?, &name_text(name)?);
        let credential = &parsed::<RegisterPublicKeyCredential>(credential)?;
        let made = self
            .space
            .transact(|tx| async move {
                let Some(CeremonyPurpose::Register { holder: whose, state }) =
                    self.take(&tx, ceremony).await?
                else {
                    return Ok(None);
                };
                if whose != holder {
                    return Ok(None);
                }
                let credential = match site.webauthn().finish_passkey_registration(credential, &state) {
                    Ok(credential) => credential,
                    Err(reason) => {
                        tracing::info!(%reason, "a new passkey is refused");
                        return Ok(None);
                    }
                };
                self.may_have_passkeys(&tx, holder).await?;
                if self.passkeys_in(&tx, holder).await?.len() >= MOST_PASSKEYS {
                    return Err(AccountRefusal::PasskeyLimit.into());
                }
                let account = self.account_in(&tx, holder).await?.ok_or_else(|| gone(holder))?;
                let person = account.profile.person;
                let passkey = Passkey {
                    holder,
                    id: Passkey::id_of(credential.cred_id()),
                    name: self.deps.vault.seal(person, name)?,
                    credential,
                    created_at: self.now(),
                    used_at: None,
                };
                if tx.get::<Passkey>(&Passkey::key_of(holder, &passkey.id)).await?.is_some() {
                    return Ok(None);
                }
                tx.insert(&passkey)?;
                let event = PasskeyRegistered { owner: holder.to_string(), passkey_id: passkey.id.clone() };
                self.emit(&tx, &event, meta)?;
                if let Some(Profile { email, name, .. }) = self.deps.vault.unseal(&account.profile)? {
                    let notice = AccountNotice { email, name, code: None, valid_until: None };
                    self.tell(&tx, person, NoticeKind::PasskeyAdded, &notice, locale.as_str(), meta)?;
                }
                Ok::<_, CustomersError>(Some(passkey))
            })
            .await?;
        self.passkey_view(&made.ok_or(AccountRefusal::PasskeyWrong)?)
    }

    /// The passkeys of whoever asks, the oldest first.
    ///
    /// # Errors
    /// [`CustomersError::NotFound`] for whoever has no account; faults.
    pub async fn passkeys(&self, who: &Principal) -> Result<Vec<PasskeyView>, CustomersError> {
        let holder = holder(who)?;
        let mut found = self.space.transact(|tx| async move { self.passkeys_in(&tx, holder).await }).await?;
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        found.iter().map(|passkey| self.passkey_view(passkey)).collect()
    }

    /// Gives a passkey of whoever asks another name.
    ///
    /// # Errors
    /// [`AccountRefusal::NoPasskey`], [`AccountRefusal::Text`]; faults.
    pub async fn rename_passkey(
        &self,
        who: &Principal,
        id: &str,
        name: &str,
    ) -> Result<PasskeyView, CustomersError> {
        let (holder, name) = (holder(who)?, &name_text(name)?);
        let renamed = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Passkey>(&Passkey::key_of(holder, id)).await?;
                let mut passkey = found.ok_or(AccountRefusal::NoPasskey)?.value;
                passkey.name = self.deps.vault.seal(passkey.name.person, name)?;
                tx.put(&passkey)?;
                Ok::<_, CustomersError>(passkey)
            })
            .await?;
        self.passkey_view(&renamed)
    }

    /// A passkey of whoever asks is not accepted any more.
    ///
    /// # Errors
    /// [`AccountRefusal::NoPasskey`]; faults.
    pub async fn remove_passkey(
        &self,
        who: &Principal,
        id: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let holder = holder(who)?;
        let key = &Passkey::key_of(holder, id);
        self.space
            .transact(|tx| async move {
                tx.get::<Passkey>(key).await?.ok_or(AccountRefusal::NoPasskey)?;
                tx.delete(key)?;
                let event = PasskeyRemoved { owner: holder.to_string(), passkey_id: id.to_owned() };
                Ok::<_, CustomersError>(self.emit(&tx, &event, meta)?)
            })
            .await
    }

    /// Removes all passkeys of a holder, in the transaction.
    pub(crate) async fn forget_passkeys(&self, tx: &Tx, holder: Holder) -> Result<(), StoreError> {
        let all = self.passkeys_in(tx, holder).await?;
        all.iter().try_for_each(|passkey| tx.delete(&Passkey::key_of(holder, &passkey.id)))
    }

    pub(crate) async fn passkeys_in(&self, tx: &Tx, holder: Holder) -> Result<Vec<Passkey>, StoreError> {
        let all = Children::of(Passkey::all_of(holder).partition()).limit(MOST_PASSKEYS);
        Ok(tx.children::<Passkey>(all).await?.into_iter().map(|found| found.value).collect())
    }

    /// For which site passkeys are made.
    pub(crate) fn site(&self) -> Result<&RelyingParty, AccountRefusal> {
        self.deps.passkeys.as_ref().ok_or(AccountRefusal::NoPasskeys)
    }

    /// Writes down, in the transaction, what a device is asked.
    pub(crate) fn begin(
        &self,
        tx: &Tx,
        purpose: CeremonyPurpose,
        options: &impl serde::Serialize,
    ) -> Result<CeremonyStart, CustomersError> {
        let ceremony = self.ids.secret();
        let expires_at = self.now().saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
        tx.insert(&Ceremony { hash: secret_hash(&ceremony), purpose, expires_at })?;
        let options = serde_json::to_string(options)
            .map_err(|error| emporia_contracts::Fault::permanent("customers", error))?;
        Ok(CeremonyStart { ceremony, options, expires_at })
    }

    /// What a device was asked, for the first answer alone: right or wrong, it is used up.
    pub(crate) async fn take(&self, tx: &Tx, ceremony: &str) -> Result<Option<CeremonyPurpose>, StoreError> {
        let key = Ceremony::key_of(&secret_hash(ceremony));
        let Some(found) = tx.get::<Ceremony>(&key).await? else { return Ok(None) };
        tx.delete(&key)?;
        Ok(Some(found.value.purpose))
    }

    async fn may_have_passkeys(&self, tx: &Tx, holder: Holder) -> Result<(), CustomersError> {
        let Holder::Operator(id) = holder else { return Ok(()) };
        let operator = tx.get::<Operator>(&Operator::key_of(id)).await?.ok_or_else(|| gone(holder))?;
        if operator.second_factor.as_ref().is_none_or(|factor| factor.confirmed_at.is_none()) {
            let state =
                "an operator has an authenticator app and recovery codes before passkeys: startSecondFactor";
            return Err(AccountRefusal::SecondFactorState(state).into());
        }
        Ok(())
    }

    fn passkey_view(&self, passkey: &Passkey) -> Result<PasskeyView, CustomersError> {
        Ok(PasskeyView {
            id: passkey.id.clone(),
            name: self.deps.vault.unseal(&passkey.name)?.unwrap_or_default(),
            created_at: passkey.created_at,
            used_at: passkey.used_at,
        })
    }

    /// The passkeys of a holder for an export.
    pub(crate) async fn export_passkeys(&self, holder: Holder) -> Result<serde_json::Value, CustomersError> {
        let found = self.space.transact(|tx| async move { self.passkeys_in(&tx, holder).await }).await?;
        let views = found.iter().map(|passkey| self.passkey_view(passkey));
        let shown = views.map(|view| {
            let PasskeyView { name, created_at, used_at, .. } = view?;
            Ok(serde_json::json!({ "name": name, "createdAt": created_at, "usedAt": used_at }))
        });
        shown.collect()
    }
}

fn holder(who: &Principal) -> Result<Holder, CustomersError> {
    Holder::of(who).ok_or_else(|| CustomersError::NotFound("account of the caller".into()))
}

/// What a device gave.
pub(crate) fn parsed<T: DeserializeOwned>(credential: &str) -> Result<T, AccountRefusal> {
    let short = Some(credential).filter(|text| text.len() <= LONGEST_CREDENTIAL);
    short.and_then(|text| serde_json::from_str(text).ok()).ok_or(AccountRefusal::PasskeyForm)
}

/// A challenge cannot be made.
pub(crate) fn broken(error: WebauthnError) -> CustomersError {
    emporia_contracts::Fault::permanent("customers", error).into()
}
