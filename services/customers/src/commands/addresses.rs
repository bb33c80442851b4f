use crate::{
    commands::AccountRefusal,
    model::{AddressBook, BookEntry, MOST_ADDRESSES},
};
use emporia_contracts::{ids::AddressId, values::Address};

/// A change of an address; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct AddressChange {
    /// The address.
    pub address: Option<Address>,
    /// Whether it is the default one.
    pub default: Option<bool>,
}

/// The book with an address more. The first one is the default.
pub(crate) fn add_address(
    mut book: AddressBook,
    id: AddressId,
    address: Address,
    default: bool,
) -> Result<AddressBook, AccountRefusal> {
    if book.entries.len() >= MOST_ADDRESSES {
        return Err(AccountRefusal::BookFull);
    }
    book.entries.push(BookEntry { id, address });
    if default || book.entries.len() == 1 {
        book.default = Some(id);
    }
    Ok(book)
}

/// The book with an address changed.
pub(crate) fn change_address(
    mut book: AddressBook,
    id: AddressId,
    change: &AddressChange,
) -> Result<AddressBook, AccountRefusal> {
    let entry = book.entries.iter_mut().find(|entry| entry.id == id).ok_or(AccountRefusal::NoAddress(id))?;
    if let Some(address) = &change.address {
        entry.address = address.clone();
    }
    match change.default {
        Some(true) => book.default = Some(id),
        Some(false) if book.default == Some(id) => book.default = None,
        _ => {}
    }
    Ok(book)
}

/// The book without an address. When it was the default, there is none until another is chosen.
pub(crate) fn remove_address(mut book: AddressBook, id: AddressId) -> Result<AddressBook, AccountRefusal> {
    let before = book.entries.len();
    book.entries.retain(|entry| entry.id != id);
    if book.entries.len() == before {
        return Err(AccountRefusal::NoAddress(id));
    }
    book.default = book.default.filter(|default| *default != id);
    Ok(book)
}
