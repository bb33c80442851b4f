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

use emporia_store::SpaceSchema;

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("customers")
        .schema(1)
        .collection::<Customer>()
        .collection::<Operator>()
        .collection::<MailClaim>()
        .collection::<ImportedCustomer>()
        .collection::<PersonIndex>()
        .collection::<Session>()
        .collection::<RefreshToken>()
        .collection::<Erasure>()
        .index("open")
        .collection::<Challenge>()
        .index("due")
        .collection::<HalfSignIn>()
        .collection::<Passkey>()
        .collection::<Ceremony>()
        .collection::<ExternalIdentity>()
        .collection::<LinkedIdentity>()
        .collection::<ProviderJourney>()
        .collection::<ApiKey>()
        .index("by_created")
}
