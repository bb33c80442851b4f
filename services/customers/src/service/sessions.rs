use crate::{
    commands::{AccountRefusal, Use, use_token},
    model::{Customer, Holder, MailClaim, Operator, Realm, RefreshToken, Session},
    service::{CustomerView, CustomersError, CustomersService, FirstStep, OperatorView},
};
use emporia_auth::{IssuedToken, Scopes, secret_hash};
use emporia_contracts::{
    customers::{CustomerSignedIn, SessionReuseDetected},
    ids::{CustomerId, OperatorId},
    values::Email,
};
use emporia_events::EventMeta;
use emporia_id::reexport::Uuid;
use emporia_store::{Children, StoreError, Tx};
use jiff::Timestamp;

/// Sessions that are ended in one transaction.
pub(crate) const AT_ONCE: usize = 40;

/// Who has signed in.
#[derive(Debug, Clone)]
pub enum Who {
    /// A customer.
    Customer(Box<CustomerView>),
    /// An operator.
    Operator(Box<OperatorView>),
}

/// A session was opened or refreshed. Its tokens are secrets.
#[derive(Clone)]
pub struct SignedIn {
    /// Who.
    pub who: Who,
    /// Proves it for some minutes.
    pub access: IssuedToken,
    /// Gets the next pair, once.
    pub refresh_token: String,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("who", &self.who).finish_non_exhaustive()
    }
}

/// What comes out of the transaction that opens a session.
pub(crate) struct Opened {
    pub(crate) refresh_token: String,
}

/// What became of a refresh token.
enum Refreshed {
    Rotated(Opened, Holder),
    Ended,
}

impl CustomersService {
    /// Signs a customer in. That there is no such account takes as long as a wrong password, and is refused in the same
    /// words.
    ///
    /// # Errors
    /// [`AccountRefusal::InvalidCredentials`], [`AccountRefusal::TooManyAttempts`]; faults.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        meta: &EventMeta,
    ) -> Result<SignedIn, CustomersError> {
        let holder = self.claimed(Realm::Customers, email).await?;
        let id = match holder {
            Some(Holder::Customer(id)) => id,
            // A look-up that finds nothing, so that there are as many as for an account.
            _ => CustomerId::from(Uuid::nil()),
        };
        let found = self.space.get::<Customer>(&Customer::key_of(id)).await?;
        let stored = found.as_ref().and_then(|customer| customer.password.as_deref());
        self.check_password(password, stored).await?;
        let (Some(customer), holder) = (found, Holder::Customer(id)) else {
            return Err(AccountRefusal::InvalidCredentials.into());
        };
        let renewed = match &customer.password {
            Some(stored) => self.renewed_hash(password, stored).await?,
            None => None,
        };
        let opened = self
            .space
            .transact(|tx| {
                let renewed = renewed.clone();
                async move {
                    let found = tx.get::<Customer>(&Customer::key_of(id)).await?;
                    let mut customer = found.ok_or(AccountRefusal::InvalidCredentials)?.value;
                    if renewed.is_some() {
                        customer.password = renewed;
                        tx.put(&customer)?;
                    }
                    self.emit(&tx, &CustomerSignedIn { customer_id: id }, meta)?;
                    Ok::<_, CustomersError>(self.open_session(&tx, holder)?)
                }
            })
            .await?;
        let view = self.view(customer)?.ok_or(AccountRefusal::InvalidCredentials)?;
        Ok(self.signed_in(Who::Customer(Box::new(view)), opened.refresh_token))
    }

    /// Signs an operator in, by the same rules; who has a second factor is half signed in.
    ///
    /// # Errors
    /// As [`CustomersService::sign_in`].
    pub async fn sign_in_operator(&self, email: &str, password: &str) -> Result<FirstStep, CustomersError> {
        let id = match self.claimed(Realm::Operators, email).await? {
            Some(Holder::Operator(id)) => id,
            _ => OperatorId::from(Uuid::nil()),
        };
        let found = self.space.get::<Operator>(&Operator::key_of(id)).await?;
        let stored = found.as_ref().map(|operator| operator.password.as_str());
        self.check_password(password, stored).await?;
        let operator = found.ok_or(AccountRefusal::InvalidCredentials)?;
        let renewed = &self.renewed_hash(password, &operator.password).await?;
        let (operator, opened) = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Operator>(&Operator::key_of(id)).await?;
                let mut operator = found.ok_or(AccountRefusal::InvalidCredentials)?.value;
                if let Some(renewed) = renewed {
                    operator.password.clone_from(renewed);
                    tx.put(&operator)?;
                }
                let asked = operator.second_factor.as_ref().is_some_and(|f| f.confirmed_at.is_some());
                let opened = match asked {
                    true => Err(self.half_sign_in(&tx, &operator).await?),
                    false => Ok(self.open_session(&tx, Holder::Operator(id))?),
                };
                Ok::<_, CustomersError>((operator, opened))
            })
            .await?;
        let opened = match opened {
            Ok(opened) => opened,
            Err(half) => return Ok(FirstStep::Half(half)),
        };
        let view = self.operator_view(operator)?.ok_or(AccountRefusal::InvalidCredentials)?;
        let signed = self.signed_in(Who::Operator(Box::new(view)), opened.refresh_token);
        Ok(FirstStep::SignedIn(Box::new(signed)))
    }

    /// Gives the next pair of tokens for a refresh token, once. Showing one again that was used before ends its session:
    /// one of the two who have it stole it.
    ///
    /// # Errors
    /// [`AccountRefusal::SessionEnded`]; faults.
    pub async fn refresh(&self, refresh_token: &str, meta: &EventMeta) -> Result<SignedIn, CustomersError> {
        let hash = &secret_hash(refresh_token);
        let refreshed = self.space.transact(|tx| async move { self.rotate(&tx, hash, meta).await }).await?;
        let Refreshed::Rotated(opened, holder) = refreshed else {
            return Err(AccountRefusal::SessionEnded.into());
        };
        let who = self.who(holder).await?.ok_or(AccountRefusal::SessionEnded)?;
        Ok(self.signed_in(who, opened.refresh_token))
    }

    pub(crate) async fn who(&self, holder: Holder) -> Result<Option<Who>, CustomersError> {
        Ok(match holder {
            Holder::Customer(id) => self.customer(id).await?.map(|view| Who::Customer(Box::new(view))),
            Holder::Operator(id) => self.operator(id).await?.map(|view| Who::Operator(Box::new(view))),
        })
    }

    async fn rotate(&self, tx: &Tx, hash: &str, meta: &EventMeta) -> Result<Refreshed, CustomersError> {
        let Some(token) = tx.get::<RefreshToken>(&RefreshToken::key_of(hash)).await? else {
            return Ok(Refreshed::Ended);
        };
        let key = Session::key_of(token.holder, &token.session);
        let Some(session) = tx.get::<Session>(&key).await? else { return Ok(Refreshed::Ended) };
        match use_token(&session, hash) {
            Use::Rotate => {
                let (mut session, refresh_token) = (session.value, self.ids.secret());
                session.current = secret_hash(&refresh_token);
                session.expires_at = self.session_end();
                tx.put(&session)?;
                self.remember_token(tx, &session)?;
                Ok(Refreshed::Rotated(Opened { refresh_token }, token.holder))
            }
            Use::Reused => {
                tx.delete(&key)?;
                self.emit(tx, &SessionReuseDetected { owner: token.holder.to_string() }, meta)?;
                tracing::warn!(owner = %token.holder, "a refresh token was used twice: the session was ended");
                Ok(Refreshed::Ended)
            }
        }
    }

    /// Ends the session of a refresh token. Idempotent; a token that is not known is no error.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn sign_out(&self, refresh_token: &str) -> Result<(), CustomersError> {
        let key = &RefreshToken::key_of(&secret_hash(refresh_token));
        self.space
            .transact(|tx| async move {
                if let Some(token) = tx.get::<RefreshToken>(key).await? {
                    tx.delete(&Session::key_of(token.holder, &token.session))?;
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }

    /// Ends every session of a customer. Access tokens that were given out hold until they expire.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn sign_out_everywhere(&self, customer: CustomerId) -> Result<(), CustomersError> {
        Ok(self.end_sessions(Holder::Customer(customer)).await?)
    }

    /// Ends every session of an operator.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn sign_out_operator_everywhere(&self, operator: OperatorId) -> Result<(), CustomersError> {
        Ok(self.end_sessions(Holder::Operator(operator)).await?)
    }

    pub(crate) async fn end_sessions(&self, holder: Holder) -> Result<(), StoreError> {
        loop {
            let all = Children::of(Session::all_of(holder).partition()).limit(AT_ONCE);
            let ended = self
                .space
                .transact(|tx| {
                    let all = all.clone();
                    async move {
                        let sessions = tx.children::<Session>(all).await?;
                        sessions.iter().try_for_each(|s| tx.delete(&Session::key_of(s.holder, &s.id)))?;
                        Ok::<_, StoreError>(sessions.len())
                    }
                })
                .await?;
            if ended < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Opens a session in the transaction.
    pub(crate) fn open_session(&self, tx: &Tx, holder: Holder) -> Result<Opened, StoreError> {
        let refresh_token = self.ids.secret();
        let session = Session {
            holder,
            id: self.ids.next_uuid().to_string(),
            current: secret_hash(&refresh_token),
            started_at: self.now(),
            expires_at: self.session_end(),
        };
        tx.insert(&session)?;
        self.remember_token(tx, &session)?;
        Ok(Opened { refresh_token })
    }

    fn remember_token(&self, tx: &Tx, session: &Session) -> Result<(), StoreError> {
        tx.insert(&RefreshToken {
            hash: session.current.clone(),
            holder: session.holder,
            session: session.id.clone(),
            expires_at: session.expires_at,
        })
    }

    pub(crate) fn signed_in(&self, who: Who, refresh_token: String) -> SignedIn {
        let access = match &who {
            Who::Customer(customer) => {
                self.deps.tokens.issue(&Holder::Customer(customer.id).to_string(), &Scopes::none())
            }
            Who::Operator(operator) => {
                let scopes = self.roles.token_scopes(&operator.roles);
                self.deps.tokens.issue(&Holder::Operator(operator.id).to_string(), &scopes)
            }
        };
        SignedIn { who, access, refresh_token }
    }

    fn session_end(&self) -> Timestamp {
        self.now().saturating_add(self.options.session_lifetime).unwrap_or(Timestamp::MAX)
    }

    /// Whose mail address it is, after counting the attempt.
    async fn claimed(&self, realm: Realm, email: &str) -> Result<Option<Holder>, CustomersError> {
        let hash = match email.parse::<Email>() {
            Ok(email) => self.mail_hash(realm, &email),
            // Nobody has registered with it; it is looked up all the same.
            Err(_) => self.text_hash(realm, &email.to_lowercase()),
        };
        self.attempt(&hash)?;
        Ok(self.space.get::<MailClaim>(&MailClaim::key_of(&hash)).await?.map(|claim| claim.value.holder))
    }

    pub(crate) async fn check_password(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<(), CustomersError> {
        // Nobody has a password as long as this; it is cut so that hashing it is no more work than another one.
        let cut = password.char_indices().nth(129).map_or(password, |(end, _)| &password[..end]);
        match self.deps.passwords.verify(cut, stored).await? {
            true => Ok(()),
            false => Err(AccountRefusal::InvalidCredentials.into()),
        }
    }

    /// A new hash when the stored one was made with another cost.
    async fn renewed_hash(&self, password: &str, stored: &str) -> Result<Option<String>, CustomersError> {
        if self.deps.passwords.is_outdated(stored) {
            return Ok(Some(self.deps.passwords.hash(password).await?));
        }
        Ok(None)
    }
}
