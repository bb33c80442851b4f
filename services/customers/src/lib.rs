#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod roles;
mod service;

pub use commands::{AccountRefusal, AddressChange, ApiKeyRefusal, OperatorRefusal, ProfileChange};
pub use graphql::schema;
pub use model::{AddressBook, BookEntry, Profile, space};
pub use roles::{Policies, PolicyError, scopes};
pub use service::{
    API_KEY_PREFIX, ApiKeyView, CeremonyStart, CustomerView, CustomersDeps, CustomersError, CustomersOptions,
    CustomersService, Enrolment, FirstStep, Half, IdentifyError, IdentityView, JourneyStart, NewApiKey,
    OperatorView, PasskeyView, Registration, RelyingParty, RelyingPartyError, Return, SignedIn, Who,
};
