//! Load, decide, commit.

mod account;
mod api_keys;
mod challenging;
mod contract;
mod erasing;
mod exporting;
mod identity;
mod importing;
mod operating;
mod passkey_sign_in;
mod passkeys;
mod passwords;
mod profiles;
mod providers;
mod registering;
mod relying_party;
mod second_factor;
mod sessions;
mod throttle;

pub use api_keys::{API_KEY_PREFIX, ApiKeyView, NewApiKey};
pub(crate) use contract::fault as as_fault;
pub use identity::IdentifyError;
pub use operating::OperatorView;
pub use passkeys::{CeremonyStart, PasskeyView};
pub use profiles::CustomerView;
pub use providers::{IdentityView, JourneyStart, Return};
pub use registering::Registration;
pub use relying_party::{RelyingParty, RelyingPartyError};
pub use second_factor::{Enrolment, FirstStep, Half};
pub use sessions::{SignedIn, Who};

use crate::{
    commands::{AccountRefusal, ApiKeyRefusal, OperatorRefusal},
    model::Realm,
    roles::Policies,
};
use arc_swap::ArcSwapOption;
use emporia_auth::{AccessTokens, KeyedHash, PasswordError, Passwords};
use emporia_contracts::{Fault, customers::PersonalData, values::Email};
use emporia_events::{EventMeta, EventPayload, envelope};
use emporia_id::Ids;
use emporia_oidc::Provider;
use emporia_store::{Space, StoreError, Tx};
use emporia_vault::{Vault, VaultError};
use governor::Quota;
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, net::IpAddr, num::NonZeroU32, sync::Arc};

/// What this service needs.
#[derive(Debug, Clone)]
pub struct CustomersDeps {
    /// Seals what is personal.
    pub vault: Vault,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Issues access tokens.
    pub tokens: AccessTokens,
    /// Hashes mail addresses. Its key is a secret of the installation that never changes.
    pub mail_hash: KeyedHash,
    /// For which site passkeys are made; without it there are none.
    pub passkeys: Option<RelyingParty>,
    /// By whose word customers sign in, by their names in the API.
    pub providers: BTreeMap<String, Provider>,
}

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct CustomersOptions {
    /// How long a session lives without being refreshed.
    pub session_lifetime: SignedDuration,
    /// Checks of a password or code per mail address and minute.
    pub attempts_per_minute: NonZeroU32,
    /// Checks of a password or code, and requests for codes, per network address and minute.
    pub attempts_per_client: NonZeroU32,
    /// Mails with a code per mail address and hour, of each kind.
    pub codes_per_hour: NonZeroU32,
    /// What roles permit.
    pub roles: Policies,
}

impl Default for CustomersOptions {
    fn default() -> Self {
        const FIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();
        const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();
        const THIRTY: NonZeroU32 = NonZeroU32::new(30).unwrap();
        Self {
            session_lifetime: SignedDuration::from_hours(24 * 30),
            attempts_per_minute: TEN,
            attempts_per_client: THIRTY,
            codes_per_hour: FIVE,
            roles: Policies::built_in(),
        }
    }
}

/// Customers and operators: accounts, sessions, persons. Cheap to clone.
#[derive(Clone)]
pub struct CustomersService {
    pub(crate) space: Space,
    pub(crate) ids: Ids,
    pub(crate) deps: CustomersDeps,
    pub(crate) options: Arc<CustomersOptions>,
    pub(crate) roles: Policies,
    throttle: Arc<throttle::Throttle>,
    clients: Arc<throttle::Throttle>,
    pub(crate) codes: Arc<throttle::Throttle>,
    rooms: Arc<ArcSwapOption<Vec<Arc<dyn PersonalData>>>>,
}

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum CustomersError {
    /// Whoever asked can put it right.
    #[error(transparent)]
    Refused(#[from] AccountRefusal),
    /// The operator cannot be made like this.
    #[error(transparent)]
    Operator(#[from] OperatorRefusal),
    /// The API key cannot be made like this.
    #[error(transparent)]
    ApiKey(#[from] ApiKeyRefusal),
    /// There is none of that id.
    #[error("there is no {0}")]
    NotFound(String),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<VaultError> for CustomersError {
    fn from(error: VaultError) -> Self {
        Self::Fault(Fault::transient("vault", error))
    }
}

impl From<jiff::Error> for CustomersError {
    fn from(error: jiff::Error) -> Self {
        Self::Fault(Fault::permanent("clock", error))
    }
}

impl From<PasswordError> for CustomersError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Fault(Fault::transient("customers", error)),
            PasswordError::Hash(_) => Self::Fault(Fault::permanent("customers", error)),
        }
    }
}

impl CustomersService {
    /// The service. Before anybody can be erased or exported it has to be told of all rooms that keep something about
    /// persons: [`CustomersService::set_rooms`].
    pub fn new(space: Space, ids: Ids, deps: CustomersDeps, options: CustomersOptions) -> Self {
        let throttle = |quota| Arc::new(throttle::Throttle::new(quota, space.clock().clone()));
        Self {
            throttle: throttle(Quota::per_minute(options.attempts_per_minute)),
            clients: throttle(Quota::per_minute(options.attempts_per_client)),
            codes: throttle(Quota::per_hour(options.codes_per_hour)),
            space,
            ids,
            deps,
            roles: options.roles.clone(),
            options: Arc::new(options),
            rooms: Arc::default(),
        }
    }

    /// The other rooms that keep something about persons: export and erasure ask all of them, and this service itself.
    pub fn set_rooms(&self, rooms: Vec<Arc<dyn PersonalData>>) {
        self.rooms.store(Some(Arc::new(rooms)));
    }

    pub(crate) fn rooms(&self) -> Result<Arc<Vec<Arc<dyn PersonalData>>>, Fault> {
        self.rooms.load_full().ok_or_else(|| {
            Fault::permanent(
                "customers",
                "the rooms that keep personal data were not named: nobody can be erased or exported",
            )
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.space.clock().now()
    }

    pub(crate) fn emit(
        &self,
        tx: &Tx,
        event: &impl EventPayload,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        tx.emit(envelope(event, meta, &self.ids, self.space.clock().as_ref())?)
    }

    pub(crate) fn mail_hash(&self, realm: Realm, email: &Email) -> String {
        self.text_hash(realm, &email.normalized())
    }

    pub(crate) fn text_hash(&self, realm: Realm, text: &str) -> String {
        let purpose = match realm {
            Realm::Customers => "customer-mail",
            Realm::Operators => "operator-mail",
        };
        self.deps.mail_hash.of(purpose, text)
    }

    /// Counts an attempt from a network address: whoever answers a stranger calls it first. An address that is not known
    /// is not counted.
    ///
    /// # Errors
    /// [`AccountRefusal::TooManyAttempts`].
    pub fn admit(&self, client: Option<IpAddr>) -> Result<(), AccountRefusal> {
        let admitted = client.is_none_or(|client| self.clients.admits(&throttle::network(client)));
        if admitted { Ok(()) } else { Err(AccountRefusal::TooManyAttempts) }
    }

    /// Counts an attempt at the password of a mail address, whether there is such an account or not.
    pub(crate) fn attempt(&self, mail_hash: &str) -> Result<(), AccountRefusal> {
        if self.throttle.admits(mail_hash) { Ok(()) } else { Err(AccountRefusal::TooManyAttempts) }
    }
}

impl std::fmt::Debug for CustomersService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomersService")
    }
}
