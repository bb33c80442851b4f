//! Customers, operators, and the persons behind facts.

use crate::{
    fault::Fault,
    ids::{ApiKeyId, CustomerId, OperatorId},
    values::{Email, ExternalId},
};
use emporia_events::EventPayload;
use emporia_vault::{PersonId, Sealed};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What checkout needs to know of a signed-in customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The customer.
    pub customer: CustomerId,
    /// The person behind.
    pub person: PersonId,
    /// His mail address. Personal.
    pub email: Email,
}

/// What an account's holder is told by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Somebody wants to open an account with this mail address: the code proves that he reads its mail.
    RegistrationCode,
    /// Somebody wants to open an account with this mail address, which has one.
    AlreadyRegistered,
    /// Somebody has forgotten his password: with the code he chooses another one.
    PasswordCode,
    /// Somebody wants his mail address to be confirmed.
    EmailCode,
    /// The password was changed.
    PasswordChanged,
    /// The account can be signed in to with another passkey.
    PasskeyAdded,
    /// The account can be signed in to by the word of another provider.
    IdentityLinked,
}

/// To whom a notice goes and what is in it. Personal and secret: it is only ever stored sealed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountNotice {
    /// To which address.
    pub email: Email,
    /// To whom.
    pub name: Option<String>,
    /// What he has to show, once.
    pub code: Option<String>,
    /// Until when the code holds.
    pub valid_until: Option<Timestamp>,
}

/// What others may ask of customers.
#[async_trait::async_trait]
pub trait Customers: Send + Sync {
    /// The account of a customer; `None` when there is none or the person was erased.
    async fn account(&self, customer: CustomerId) -> Result<Option<Account>, Fault>;
    /// A new person for a guest's order: never linked to an account by an unverified address.
    async fn guest_person(&self) -> Result<PersonId, Fault>;
}

/// A room that keeps something about persons. Export and erasure ask every one of them.
#[async_trait::async_trait]
pub trait PersonalData: Send + Sync {
    /// The room's name in the export.
    fn room(&self) -> &'static str;
    /// All that the room keeps about the person, readable.
    async fn export(&self, person: PersonId) -> Result<serde_json::Value, Fault>;
    /// Removes what is not sealed under the person's key (index entries, files). Idempotent. The key itself is
    /// destroyed by the caller afterwards.
    async fn erase(&self, person: PersonId) -> Result<(), Fault>;
}

macro_rules! customer_event {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }, |$this:ident| $subject:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$fmeta])* pub $field: $type,)*
        }

        impl EventPayload for $name {
            const SOURCE: &'static str = "emporia.customers";
            const DETAIL_TYPE: &'static str = stringify!($name);
            const SCHEMA: u32 = 1;

            fn subject(&self) -> String {
                let $this = self;
                $subject
            }
        }
    };
}

customer_event!(
    /// Somebody opened an account.
    CustomerRegistered {
        /// The customer.
        customer_id: CustomerId,
        /// The person behind.
        person_id: PersonId,
    },
    |e| format!("customer/{}", e.customer_id)
);
customer_event!(
    /// A customer of another system is known here now.
    CustomerImported {
        /// The customer.
        customer_id: CustomerId,
        /// The other system's id.
        external_id: ExternalId,
    },
    |e| format!("customer/{}", e.customer_id)
);
customer_event!(
    /// A customer signed in.
    CustomerSignedIn {
        /// The customer.
        customer_id: CustomerId,
    },
    |e| format!("customer/{}", e.customer_id)
);
customer_event!(
    /// A refresh token was used a second time: all sessions of its family were ended.
    SessionReuseDetected {
        /// Whose: `customer/…` or `operator/…`.
        owner: String,
    },
    |e| e.owner.clone()
);
customer_event!(
    /// Somebody is told something about his account, by mail.
    AccountNoticeIssued {
        /// The person.
        person_id: PersonId,
        /// What about.
        kind: NoticeKind,
        /// In which language.
        locale: String,
        /// The notice, sealed under the person's key: it may hold a code that works once and for a short time.
        notice: Sealed,
    },
    |e| format!("person/{}", e.person_id)
);
customer_event!(
    /// A customer has shown that he reads the mail of his address.
    CustomerEmailVerified {
        /// The customer.
        customer_id: CustomerId,
    },
    |e| format!("customer/{}", e.customer_id)
);
customer_event!(
    /// Somebody's password was changed; all his sessions were ended.
    PasswordChanged {
        /// Whose: `customer/…` or `operator/…`.
        owner: String,
    },
    |e| e.owner.clone()
);
customer_event!(
    /// A customer can sign in by the word of a provider from now on.
    IdentityLinked {
        /// The customer.
        customer_id: CustomerId,
        /// The provider, by its name in the API.
        provider: String,
    },
    |e| format!("customer/{}", e.customer_id)
);
customer_event!(
    /// A customer cannot sign in by that word of a provider any more.
    IdentityUnlinked {
        /// The customer.
        customer_id: CustomerId,
        /// The provider, by its name in the API.
        provider: String,
    },
    |e| format!("customer/{}", e.customer_id)
);
customer_event!(
    /// A holder can show a passkey from now on.
    PasskeyRegistered {
        /// Whose: `customer/…` or `operator/…`.
        owner: String,
        /// The passkey.
        passkey_id: String,
    },
    |e| e.owner.clone()
);
customer_event!(
    /// A passkey is not accepted any more.
    PasskeyRemoved {
        /// Whose: `customer/…` or `operator/…`.
        owner: String,
        /// The passkey.
        passkey_id: String,
    },
    |e| e.owner.clone()
);
customer_event!(
    /// A passkey was shown whose counter has gone back: there may be a copy of it. It was refused.
    PasskeyCloneSuspected {
        /// Whose: `customer/…` or `operator/…`.
        owner: String,
        /// The passkey.
        passkey_id: String,
    },
    |e| e.owner.clone()
);
customer_event!(
    /// A person's key was destroyed: whatever was sealed under it cannot be read any more.
    PersonErased {
        /// The person.
        person_id: PersonId,
        /// The account, when there was one.
        customer_id: Option<CustomerId>,
    },
    |e| format!("person/{}", e.person_id)
);
customer_event!(
    /// An operator or associate was made or his rights changed.
    OperatorDefined {
        /// The operator.
        operator_id: OperatorId,
        /// His roles.
        roles: BTreeSet<String>,
    },
    |e| format!("operator/{}", e.operator_id)
);
customer_event!(
    /// Another system got an API key.
    ApiKeyCreated {
        /// The key; its secret is told to nobody else.
        api_key_id: ApiKeyId,
        /// What people call it.
        name: String,
        /// What it may do.
        scopes: BTreeSet<String>,
        /// When it ends by itself.
        #[schemars(with = "Option<crate::instant::Instant>")]
        expires_at: Option<Timestamp>,
    },
    |e| format!("api-key/{}", e.api_key_id)
);
customer_event!(
    /// An API key was revoked: it is worth nothing any more.
    ApiKeyRevoked {
        /// The key.
        api_key_id: ApiKeyId,
    },
    |e| format!("api-key/{}", e.api_key_id)
);
customer_event!(
    /// An operator is asked for the code of his authenticator from now on.
    SecondFactorConfirmed {
        /// The operator.
        operator_id: OperatorId,
    },
    |e| format!("operator/{}", e.operator_id)
);
customer_event!(
    /// An operator signs in with his password alone again.
    SecondFactorRemoved {
        /// The operator.
        operator_id: OperatorId,
    },
    |e| format!("operator/{}", e.operator_id)
);
