//! Signing customers in by the word of another provider (OpenID Connect).

use crate::{
    commands::{AccountRefusal, Linking, link, name_text},
    model::{
        Customer, ExternalIdentity, Holder, LinkedIdentity, MOST_IDENTITIES, MailClaim, Profile,
        ProviderJourney, Realm,
    },
    service::{CustomersError, CustomersService, SignedIn, registering::off_the_runtime, sessions::Opened},
};
use emporia_auth::{same_secret, secret_hash};
use emporia_contracts::{
    customers::{AccountNotice, CustomerSignedIn, IdentityLinked, IdentityUnlinked, NoticeKind},
    ids::CustomerId,
    values::{Email, Locale},
};
use emporia_events::EventMeta;
use emporia_oidc::{Identity, Journey, OidcError, Provider};
use emporia_store::{Children, StoreError, Tx};
use emporia_vault::PersonId;
use jiff::{SignedDuration, Timestamp};

/// How long somebody may be on his way.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// A way to a provider.
pub struct JourneyStart {
    /// Where the customer goes.
    pub authorization_url: String,
    /// Comes back with him, and has to be the same.
    pub state: String,
    /// Leads back here, once; it does not travel with him. A secret.
    pub journey: String,
    /// Until when he may come back.
    pub expires_at: Timestamp,
}

/// What somebody brings back from a provider.
pub struct Return<'a> {
    /// What [`JourneyStart`] gave.
    pub journey: &'a str,
    /// From the address to which he came back.
    pub state: &'a str,
    /// From the address to which he came back.
    pub code: &'a str,
    /// From the address to which he came back, if the provider says it (RFC 9207).
    pub issuer: Option<&'a str>,
}

/// An identity that leads to an account.
#[derive(Debug, Clone)]
pub struct IdentityView {
    /// Which.
    pub id: String,
    /// The provider, by its name in the API.
    pub provider: String,
    /// Since when.
    pub linked_at: Timestamp,
}

/// An identity, checked.
struct Arrival {
    provider: String,
    /// Of issuer and subject.
    hash: String,
    /// His profile and the hash of its address, when the provider says that the address is his.
    verified: Option<(Profile, String)>,
}

impl CustomersService {
    /// The providers by whose word customers sign in: names in the API and for people.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.deps.providers.iter().map(|(key, provider)| (key.as_str(), provider.name()))
    }

    fn provider(&self, key: &str) -> Result<&Provider, AccountRefusal> {
        self.deps.providers.get(key).ok_or(AccountRefusal::NoProvider)
    }

    /// Begins a sign-in by a provider; who comes back is signed in by [`CustomersService::complete_provider_sign_in`].
    ///
    /// # Errors
    /// [`AccountRefusal::NoProvider`], [`AccountRefusal::RedirectUri`], [`AccountRefusal::ProviderUnavailable`]; faults.
    pub async fn start_provider_sign_in(
        &self,
        provider: &str,
        redirect_uri: Option<&str>,
    ) -> Result<JourneyStart, CustomersError> {
        let (key, provider) = (provider, self.provider(provider)?);
        let redirect_uri = provider.redirect_uri(redirect_uri).ok_or(AccountRefusal::RedirectUri)?;
        let secret = self.ids.secret();
        let journey = self.journey(&secret, redirect_uri);
        let url = provider.authorization_url(&journey).await.map_err(|error| refusal(key, error))?;
        let expires_at = self.now().saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
        let begun = &ProviderJourney {
            hash: secret_hash(&secret),
            provider: key.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            expires_at,
        };
        self.space.transact(|tx| async move { tx.insert(begun) }).await?;
        Ok(JourneyStart { authorization_url: url.into(), state: journey.state, journey: secret, expires_at })
    }

    /// Signs the customer in who comes back from a provider. An identity that is new here gets an account of its own, or
    /// leads to the one of its mail address when both the provider and we know that the address is the holder's.
    ///
    /// # Errors
    /// [`AccountRefusal::JourneyWrong`] when he did not begin here, came before, or too late;
    /// [`AccountRefusal::ProviderRejected`], [`AccountRefusal::ProviderUnavailable`];
    /// [`AccountRefusal::IdentityUnverified`], [`AccountRefusal::IdentityTaken`]; faults.
    pub async fn complete_provider_sign_in(
        &self,
        back: Return<'_>,
        locale: &Locale,
        meta: &EventMeta,
    ) -> Result<SignedIn, CustomersError> {
        let arrival = &self.arrival(back).await?;
        let known = self.space.get::<ExternalIdentity>(&ExternalIdentity::key_of(&arrival.hash)).await?;
        let person = match &arrival.verified {
            Some(_) if known.is_none() => Some(self.new_person().await?),
            _ => None,
        };
        let landed = self
            .space
            .transact(|tx| async move { self.land(&tx, arrival, person, locale, meta).await })
            .await;
        let used = matches!(&landed, Ok((_, _, Linking::New)));
        if let Some(unused) = person.filter(|_| !used) {
            let now = self.now();
            off_the_runtime(&self.deps.vault, move |vault| vault.destroy(unused, now)).await?;
        }
        let (customer, opened, _) = landed?;
        let who = self.who(Holder::Customer(customer)).await?.ok_or(AccountRefusal::JourneyWrong)?;
        Ok(self.signed_in(who, opened.refresh_token))
    }

    /// Who came back, by the word of the provider to which he was sent.
    async fn arrival(&self, back: Return<'_>) -> Result<Arrival, CustomersError> {
        let key = &ProviderJourney::key_of(&secret_hash(back.journey));
        let begun = self
            .space
            .transact(|tx| async move {
                let Some(found) = tx.get::<ProviderJourney>(key).await? else { return Ok(None) };
                tx.delete(key)?;
                Ok::<_, StoreError>(Some(found.value))
            })
            .await?
            .ok_or(AccountRefusal::JourneyWrong)?;
        let provider = self.provider(&begun.provider)?;
        let journey = self.journey(back.journey, &begun.redirect_uri);
        if !same_secret(&journey.state, back.state) || back.issuer.is_some_and(|iss| iss != provider.issuer())
        {
            return Err(AccountRefusal::JourneyWrong.into());
        }
        let found = provider.finish(&journey, back.code).await;
        let Identity { issuer, subject, email, email_verified, name } =
            found.map_err(|error| refusal(&begun.provider, error))?;
        let email = email.filter(|_| email_verified).and_then(|email| email.parse::<Email>().ok());
        let verified = email.map(|email| {
            let hash = self.mail_hash(Realm::Customers, &email);
            let name = name.and_then(|name| name_text(&name).ok());
            (Profile { email, name, phone: None }, hash)
        });
        // Issuers have no line breaks.
        let hash = self.deps.mail_hash.of("external-identity", &format!("{issuer}\n{subject}"));
        Ok(Arrival { provider: begun.provider, hash, verified })
    }

    /// Opens a session, and before it whatever is missing, in the transaction.
    async fn land(
        &self,
        tx: &Tx,
        arrival: &Arrival,
        person: Option<PersonId>,
        locale: &Locale,
        meta: &EventMeta,
    ) -> Result<(CustomerId, Opened, Linking), CustomersError> {
        let known = tx.get::<ExternalIdentity>(&ExternalIdentity::key_of(&arrival.hash)).await?;
        let known = known.map(|identity| identity.value.customer);
        let account = match (&arrival.verified, known) {
            (Some((_, mail_hash)), None) => self.customer_of_mail(tx, mail_hash).await?,
            _ => None,
        };
        let linking = link(known, arrival.verified.is_some(), account.as_ref())?;
        let (id, opened) = match (linking, account, &arrival.verified) {
            (Linking::Known(id), ..) => (id, self.sign_in_known(tx, id, meta).await?),
            (Linking::Linked(id), Some(account), _) => {
                self.link_identity(tx, id, arrival, meta).await?;
                if let Some(Profile { email, name, .. }) = self.deps.vault.unseal(&account.profile)? {
                    let notice = AccountNotice { email, name, code: None, valid_until: None };
                    let (person, locale) = (account.person, locale.as_str());
                    self.tell(tx, person, NoticeKind::IdentityLinked, &notice, locale, meta)?;
                }
                (id, self.sign_in_known(tx, id, meta).await?)
            }
            (Linking::New, _, Some((profile, mail_hash))) => {
                // Somebody else was faster, and is gone again.
                let person = person.ok_or(AccountRefusal::JourneyWrong)?;
                let mut customer = self.account(person, mail_hash, None, profile)?;
                customer.verified_at = Some(customer.created_at);
                let opened = self.enter(tx, &customer, meta).await?;
                self.link_identity(tx, customer.id, arrival, meta).await?;
                (customer.id, opened)
            }
            (Linking::Linked(_) | Linking::New, ..) => return Err(AccountRefusal::IdentityUnverified.into()),
        };
        Ok((id, opened, linking))
    }

    async fn sign_in_known(
        &self,
        tx: &Tx,
        id: CustomerId,
        meta: &EventMeta,
    ) -> Result<Opened, CustomersError> {
        tx.get::<Customer>(&Customer::key_of(id)).await?.ok_or(AccountRefusal::JourneyWrong)?;
        self.emit(tx, &CustomerSignedIn { customer_id: id }, meta)?;
        Ok(self.open_session(tx, Holder::Customer(id))?)
    }

    async fn customer_of_mail(&self, tx: &Tx, mail_hash: &str) -> Result<Option<Customer>, StoreError> {
        let claim = tx.get::<MailClaim>(&MailClaim::key_of(mail_hash)).await?;
        let Some(Holder::Customer(id)) = claim.map(|claim| claim.value.holder) else { return Ok(None) };
        Ok(tx.get::<Customer>(&Customer::key_of(id)).await?.map(|found| found.value))
    }

    async fn link_identity(
        &self,
        tx: &Tx,
        customer: CustomerId,
        arrival: &Arrival,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        if self.identities_in(tx, customer).await?.len() >= MOST_IDENTITIES {
            return Err(AccountRefusal::IdentityLimit.into());
        }
        let Arrival { provider, hash, .. } = arrival;
        tx.insert(&ExternalIdentity { hash: hash.clone(), customer })?;
        let linked_at = self.now();
        tx.insert(&LinkedIdentity { customer, hash: hash.clone(), provider: provider.clone(), linked_at })?;
        let event = IdentityLinked { customer_id: customer, provider: provider.clone() };
        Ok(self.emit(tx, &event, meta)?)
    }

    async fn identities_in(&self, tx: &Tx, customer: CustomerId) -> Result<Vec<LinkedIdentity>, StoreError> {
        let all = Children::of(LinkedIdentity::all_of(customer).partition()).limit(MOST_IDENTITIES);
        Ok(tx.children::<LinkedIdentity>(all).await?.into_iter().map(|found| found.value).collect())
    }

    /// No identity leads to the account any more, in the transaction.
    pub(crate) async fn forget_identities(&self, tx: &Tx, customer: CustomerId) -> Result<(), StoreError> {
        for LinkedIdentity { hash, .. } in self.identities_in(tx, customer).await? {
            tx.delete(&ExternalIdentity::key_of(&hash))?;
            tx.delete(&LinkedIdentity::key_of(customer, &hash))?;
        }
        Ok(())
    }

    /// The identities that lead to an account.
    ///
    /// # Errors
    /// Faults.
    pub async fn identities(&self, customer: CustomerId) -> Result<Vec<IdentityView>, CustomersError> {
        let found = self.space.transact(|tx| async move { self.identities_in(&tx, customer).await }).await?;
        let view =
            |LinkedIdentity { hash: id, provider, linked_at, .. }| IdentityView { id, provider, linked_at };
        Ok(found.into_iter().map(view).collect())
    }

    /// An identity leads to the account no more. Whoever comes with it again is judged as somebody new.
    ///
    /// # Errors
    /// [`AccountRefusal::NoIdentity`]; faults.
    pub async fn unlink_identity(
        &self,
        customer: CustomerId,
        id: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let key = &LinkedIdentity::key_of(customer, id);
        self.space
            .transact(|tx| async move {
                let found = tx.get::<LinkedIdentity>(key).await?.ok_or(AccountRefusal::NoIdentity)?;
                tx.delete(&ExternalIdentity::key_of(id))?;
                tx.delete(key)?;
                let event = IdentityUnlinked { customer_id: customer, provider: found.value.provider };
                Ok(self.emit(&tx, &event, meta)?)
            })
            .await
    }

    /// What has to stay secret on the way, made of the secret that leads back.
    fn journey(&self, secret: &str, redirect_uri: &str) -> Journey {
        let made = |purpose| self.deps.mail_hash.of(purpose, secret);
        Journey {
            redirect_uri: redirect_uri.to_owned(),
            state: made("provider-state"),
            nonce: made("provider-nonce"),
            pkce_verifier: made("provider-verifier"),
        }
    }
}

fn refusal(provider: &str, error: OidcError) -> AccountRefusal {
    match error {
        OidcError::Unavailable { .. } => {
            tracing::warn!(provider, %error, "a sign-in by a provider fails");
            AccountRefusal::ProviderUnavailable
        }
        OidcError::Rejected(why) => AccountRefusal::ProviderRejected(why),
    }
}
