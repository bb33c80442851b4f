//! The second step of an operator's sign-in: the code of an authenticator app.

use crate::{
    commands::{AccountRefusal, Shown, show_code},
    model::{HalfSignIn, Holder, Operator, Profile, SecondFactor},
    service::{CustomersError, CustomersService, SignedIn},
};
use emporia_auth::{TotpSecret, secret_hash};
use emporia_contracts::{
    customers::{SecondFactorConfirmed, SecondFactorRemoved},
    ids::OperatorId,
};
use emporia_events::EventMeta;
use emporia_id::typed_code;
use emporia_store::{Key, Tx};
use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

/// How long the second step may take.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// Recovery codes that are given out.
const RECOVERY: usize = 8;

/// What a right password came to.
#[derive(Debug, Clone)]
pub enum FirstStep {
    /// The operator is signed in.
    SignedIn(Box<SignedIn>),
    /// The code of his authenticator is still to come.
    Half(Half),
}

impl FirstStep {
    /// The session, when there is nothing more to show.
    pub fn signed_in(self) -> Option<SignedIn> {
        match self {
            Self::SignedIn(signed) => Some(*signed),
            Self::Half(_) => None,
        }
    }
}

/// Half of a sign-in. Its text is a secret.
#[derive(Clone)]
pub struct Half {
    /// Leads to the second step.
    pub challenge: String,
    /// From then on the first step has to be done again.
    pub expires_at: Timestamp,
    /// Whether a passkey may be shown instead of a code.
    pub passkeys: bool,
}

impl std::fmt::Debug for Half {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Half(until {})", self.expires_at)
    }
}

/// What an authenticator app is given.
pub struct Enrolment {
    /// The secret in base 32, for typing.
    pub secret: Zeroizing<String>,
    /// The same as `otpauth://…`, for scanning.
    pub uri: Zeroizing<String>,
}

impl CustomersService {
    /// Notes that the first step is done, in the transaction.
    pub(crate) async fn half_sign_in(&self, tx: &Tx, operator: &Operator) -> Result<Half, CustomersError> {
        let challenge = self.ids.secret();
        let passkeys = self.deps.passkeys.is_some()
            && !self.passkeys_in(tx, Holder::Operator(operator.id)).await?.is_empty();
        let expires_at = self.now().saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
        tx.insert(&HalfSignIn {
            hash: secret_hash(&challenge),
            operator: operator.id,
            password: secret_hash(&operator.password),
            expires_at,
        })?;
        Ok(Half { challenge, expires_at, passkeys })
    }

    /// The second step: opens the session when the code is that of the authenticator, or a recovery code.
    ///
    /// # Errors
    /// [`AccountRefusal::SecondFactorWrong`], [`AccountRefusal::SecondFactorLocked`]; [`AccountRefusal::SessionEnded`]
    /// when the first step has to be done again; faults.
    pub async fn complete_sign_in(&self, challenge: &str, code: &str) -> Result<SignedIn, CustomersError> {
        let half = &HalfSignIn::key_of(&secret_hash(challenge));
        let (id, opened) = self
            .space
            .transact(|tx| async move {
                let mut operator = self.half_signed_in(&tx, half).await?;
                let shown = self.show(&mut operator, code)?;
                tx.put(&operator)?;
                if shown != Shown::Right {
                    return Ok::<_, CustomersError>((operator.id, Err(shown)));
                }
                tx.delete(half)?;
                Ok((operator.id, Ok(self.open_session(&tx, Holder::Operator(operator.id))?)))
            })
            .await?;
        let opened = opened.map_err(refusal)?;
        let who = self.who(Holder::Operator(id)).await?.ok_or(AccountRefusal::SessionEnded)?;
        Ok(self.signed_in(who, opened.refresh_token))
    }

    /// Whose half sign-in it is, unless the first step has to be done again.
    pub(crate) async fn half_signed_in(&self, tx: &Tx, half: &Key) -> Result<Operator, CustomersError> {
        let ended = || CustomersError::from(AccountRefusal::SessionEnded);
        let known = tx.get::<HalfSignIn>(half).await?.ok_or_else(ended)?;
        let found = tx.get::<Operator>(&Operator::key_of(known.operator)).await?.ok_or_else(ended)?;
        if known.password == secret_hash(&found.password) { Ok(found.value) } else { Err(ended()) }
    }

    /// Gives an operator who shows his password a secret for his authenticator. It is asked for only after he has shown a
    /// first code: [`CustomersService::confirm_second_factor`].
    ///
    /// # Errors
    /// [`AccountRefusal::InvalidCredentials`], [`AccountRefusal::SecondFactorState`] when he has one,
    /// [`AccountRefusal::TooManyAttempts`]; [`CustomersError::NotFound`]; faults.
    pub async fn start_second_factor(
        &self,
        id: OperatorId,
        password: &str,
    ) -> Result<Enrolment, CustomersError> {
        let account = self.account_of(Holder::Operator(id)).await?;
        self.shows_password(&account, password).await?;
        let profile: Profile = self.deps.vault.unseal(&account.profile)?.ok_or_else(|| nobody(id))?;
        let secret = &TotpSecret::generate();
        let uri = secret.uri("Emporia", profile.email.as_str());
        let uri = uri.map_err(|error| emporia_contracts::Fault::permanent("customers", error))?;
        let factor = &SecondFactor {
            secret: self.deps.vault.seal(account.profile.person, &secret.to_base32())?,
            confirmed_at: None,
            last_step: 0,
            recovery: vec![],
            failures: 0,
            locked_until: None,
        };
        self.change_operator(id, |operator| {
            if operator.second_factor.as_ref().is_some_and(|f| f.confirmed_at.is_some()) {
                return Err(AccountRefusal::SecondFactorState("there is a second factor: remove it first"));
            }
            operator.second_factor = Some(factor.clone());
            Ok(())
        })
        .await?;
        Ok(Enrolment { secret: Zeroizing::new(secret.to_base32().to_owned()), uri })
    }

    /// From now on the operator is asked for a code when he signs in. The recovery codes, which are shown this once.
    ///
    /// # Errors
    /// [`AccountRefusal::SecondFactorWrong`], [`AccountRefusal::SecondFactorLocked`],
    /// [`AccountRefusal::SecondFactorState`]; [`CustomersError::NotFound`]; faults.
    pub async fn confirm_second_factor(
        &self,
        id: OperatorId,
        code: &str,
        meta: &EventMeta,
    ) -> Result<Vec<String>, CustomersError> {
        let codes: Vec<String> = (0..RECOVERY).map(|_| self.ids.code()).collect();
        let hashes = &codes.iter().map(|code| self.recovery_hash(id, code)).collect::<Vec<_>>();
        let shown = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Operator>(&Operator::key_of(id)).await?.ok_or_else(|| nobody(id))?;
                let mut operator = found.value;
                if operator.second_factor.as_ref().is_none_or(|f| f.confirmed_at.is_some()) {
                    let state = "there is no second factor that waits for its first code: start with one";
                    return Err(AccountRefusal::SecondFactorState(state).into());
                }
                let shown = self.show(&mut operator, code)?;
                if let Some(factor) = operator.second_factor.as_mut().filter(|_| shown == Shown::Right) {
                    factor.confirmed_at = Some(self.now());
                    factor.recovery.clone_from(hashes);
                    self.emit(&tx, &SecondFactorConfirmed { operator_id: id }, meta)?;
                }
                tx.put(&operator)?;
                Ok::<_, CustomersError>(shown)
            })
            .await?;
        if shown == Shown::Right { Ok(codes) } else { Err(refusal(shown).into()) }
    }

    /// Signing in takes the password alone again; passkeys, which only stand in for codes, go too.
    ///
    /// # Errors
    /// [`AccountRefusal`]: password and code; [`CustomersError::NotFound`]; faults.
    pub async fn remove_second_factor(
        &self,
        id: OperatorId,
        password: &str,
        code: &str,
        meta: &EventMeta,
    ) -> Result<(), CustomersError> {
        let account = self.account_of(Holder::Operator(id)).await?;
        self.shows_password(&account, password).await?;
        let shown = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Operator>(&Operator::key_of(id)).await?.ok_or_else(|| nobody(id))?;
                let mut operator = found.value;
                let shown = self.show(&mut operator, code)?;
                if shown == Shown::Right {
                    operator.second_factor = None;
                    self.forget_passkeys(&tx, Holder::Operator(id)).await?;
                    self.emit(&tx, &SecondFactorRemoved { operator_id: id }, meta)?;
                }
                tx.put(&operator)?;
                Ok::<_, CustomersError>(shown)
            })
            .await?;
        if shown == Shown::Right { Ok(()) } else { Err(refusal(shown).into()) }
    }

    /// As [`CustomersService::remove_second_factor`], for an operator who has lost his authenticator and his recovery
    /// codes: by whoever runs the machine. His sessions end.
    ///
    /// # Errors
    /// [`CustomersError::NotFound`]; faults.
    pub async fn forget_second_factor(&self, id: OperatorId, meta: &EventMeta) -> Result<(), CustomersError> {
        self.space
            .transact(|tx| async move {
                let found = tx.get::<Operator>(&Operator::key_of(id)).await?.ok_or_else(|| nobody(id))?;
                let mut operator = found.value;
                self.forget_passkeys(&tx, Holder::Operator(id)).await?;
                if operator.second_factor.take().is_some() {
                    self.emit(&tx, &SecondFactorRemoved { operator_id: id }, meta)?;
                }
                Ok::<_, CustomersError>(tx.put(&operator)?)
            })
            .await?;
        Ok(self.end_sessions(Holder::Operator(id)).await?)
    }

    /// Decides about a code; what it changes of the operator has to be kept.
    fn show(&self, operator: &mut Operator, code: &str) -> Result<Shown, CustomersError> {
        let (id, now) = (operator.id, self.now());
        let Some(factor) = operator.second_factor.as_mut() else { return Ok(Shown::Wrong) };
        let secret = self.deps.vault.unseal::<String>(&factor.secret)?.map(Zeroizing::new);
        let secret = secret.and_then(|text| TotpSecret::from_base32(&text).ok());
        let step = secret.and_then(|secret| secret.step_of(code, now));
        Ok(show_code(factor, step, &self.recovery_hash(id, code), now))
    }

    fn recovery_hash(&self, id: OperatorId, code: &str) -> String {
        self.deps.mail_hash.of("recovery-code", &format!("{id}/{}", typed_code(code)))
    }

    async fn change_operator(
        &self,
        id: OperatorId,
        change: impl Fn(&mut Operator) -> Result<(), AccountRefusal> + Sync + Send,
    ) -> Result<(), CustomersError> {
        let change = &change;
        self.space
            .transact(|tx| async move {
                let found = tx.get::<Operator>(&Operator::key_of(id)).await?.ok_or_else(|| nobody(id))?;
                let mut operator = found.value;
                change(&mut operator)?;
                Ok::<_, CustomersError>(tx.put(&operator)?)
            })
            .await
    }
}

fn nobody(id: OperatorId) -> CustomersError {
    CustomersError::NotFound(format!("operator {id}"))
}

fn refusal(shown: Shown) -> AccountRefusal {
    match shown {
        Shown::Locked => AccountRefusal::SecondFactorLocked,
        Shown::Right | Shown::Wrong => AccountRefusal::SecondFactorWrong,
    }
}
