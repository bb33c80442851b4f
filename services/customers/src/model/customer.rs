use emporia_contracts::{
    ids::{AddressId, CustomerId},
    values::{Address, Email},
};
use emporia_store::{Document, Key};
use emporia_vault::{PersonId, Sealed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Addresses in one book.
pub(crate) const MOST_ADDRESSES: usize = 50;

/// An account. It exists until its person is erased.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Customer {
    pub(crate) id: CustomerId,
    pub(crate) person: PersonId,
    /// The keyed hash under which the mail address is claimed.
    pub(crate) mail_hash: String,
    /// PHC string; none when he signs in by other means alone.
    pub(crate) password: Option<String>,
    /// [`Profile`].
    pub(crate) profile: Sealed,
    /// [`AddressBook`].
    pub(crate) addresses: Sealed,
    pub(crate) created_at: Timestamp,
    /// Since when it is known that he reads the mail of his address.
    #[serde(default)]
    pub(crate) verified_at: Option<Timestamp>,
}

impl Customer {
    pub(crate) fn key_of(id: CustomerId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }
}

impl Document for Customer {
    const COLLECTION: &'static str = "customer";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }
}

/// Who somebody is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// His mail address.
    pub email: Email,
    /// His name.
    pub name: Option<String>,
    /// His telephone number.
    pub phone: Option<String>,
}

/// Where somebody has things sent. The default, when there is one, is one of the entries.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressBook {
    pub(crate) entries: Vec<BookEntry>,
    pub(crate) default: Option<AddressId>,
}

/// An address in a book.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookEntry {
    /// Its id.
    pub id: AddressId,
    /// The address.
    pub address: Address,
}

impl AddressBook {
    /// The addresses, in the order in which they were entered.
    pub fn entries(&self) -> &[BookEntry] {
        &self.entries
    }

    /// The one to take when nothing else is said.
    pub fn default_entry(&self) -> Option<AddressId> {
        self.default
    }
}
