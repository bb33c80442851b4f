//! What is stored. Everything personal is sealed under the person's key; what stands beside it is an id, a hash or a
//! time.

mod api_key;
mod challenge;
mod customer;
mod erasure;
mod identity;
mod imported;
mod operator;
mod passkey;
mod person;
mod second_factor;
mod session;

pub(crate) use api_key::ApiKey;
pub(crate) use challenge::{Applicant, Challenge, Code, Purpose, Realm};
pub use customer::{AddressBook, BookEntry, Profile};
pub(crate) use customer::{Customer, MOST_ADDRESSES};
pub(crate) use erasure::{Erasure, Progress};
pub(crate) use identity::{ExternalIdentity, LinkedIdentity, MOST_IDENTITIES, ProviderJourney};
pub(crate) use imported::ImportedCustomer;
pub(crate) use operator::Operator;
pub(crate) use passkey::{Ceremony, CeremonyPurpose, MOST_PASSKEYS, Passkey};
pub(crate) use person::{MailClaim, PersonIndex};
pub(crate) use second_factor::{HalfSignIn, SecondFactor};
pub(crate) use session::{Holder, RefreshToken, Session};

use emporia_store::{SpaceSchema, Testimony};

/// The key-space of this service. Hashes, secrets and what leads to an account are in no testimony.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("customers")
        .with(emporia_subgraph::audit_entries)
        .schema(1)
        .collection::<Customer>()
        .testimony(Testimony::Without(&["password", "mail_hash"]))
        .collection::<Operator>()
        .testimony(Testimony::Without(&["password", "mail_hash", "second_factor"]))
        .collection::<MailClaim>()
        .testimony(Testimony::Nothing)
        .collection::<ImportedCustomer>()
        .collection::<PersonIndex>()
        .collection::<Session>()
        .testimony(Testimony::Nothing)
        .collection::<RefreshToken>()
        .testimony(Testimony::Nothing)
        .collection::<Erasure>()
        .index("open")
        .collection::<Challenge>()
        .testimony(Testimony::Nothing)
        .index("due")
        .collection::<HalfSignIn>()
        .testimony(Testimony::Nothing)
        .collection::<Passkey>()
        .testimony(Testimony::Without(&["credential"]))
        .collection::<Ceremony>()
        .testimony(Testimony::Nothing)
        .collection::<ExternalIdentity>()
        .testimony(Testimony::Nothing)
        .collection::<LinkedIdentity>()
        .testimony(Testimony::Without(&["hash"]))
        .collection::<ProviderJourney>()
        .testimony(Testimony::Nothing)
        .collection::<ApiKey>()
        .testimony(Testimony::Without(&["hash"]))
        .index("by_created")
}
