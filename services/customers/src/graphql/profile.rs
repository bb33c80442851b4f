use super::{failed, own, service, settled, types, version};
use crate::{
    AddressChange, ProfileChange,
    service::{CustomersError, CustomersService},
};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use emporia_contracts::ids::{AddressId, CustomerId};
use emporia_subgraph::{AddressInput, UserError, access::*, context, parse_id, run_once};
use serde::Serialize;

/// Changes the caller's profile. What is left out stays, null removes.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// Name, at most 120 characters.
    name: MaybeUndefined<String>,
    /// Telephone number.
    phone: MaybeUndefined<String>,
    /// Refuse when the customer has another version now.
    expected_version: Option<String>,
}

/// Enters an address into the caller's book.
#[derive(Clone, InputObject, Serialize)]
pub struct AddAddressInput {
    /// The address.
    address: AddressInput,
    /// Make it the default. The first address is it anyway.
    #[graphql(default)]
    is_default: bool,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// Changes an address of the caller's book. What is left out stays.
#[derive(InputObject)]
pub struct UpdateAddressInput {
    /// The entry.
    address_id: ID,
    /// The address, whole.
    address: Option<AddressInput>,
    /// Whether it is the default.
    is_default: Option<bool>,
    /// Refuse when the customer has another version now.
    expected_version: Option<String>,
}

/// Takes an address out of the caller's book.
#[derive(InputObject)]
pub struct RemoveAddressInput {
    /// The entry.
    address_id: ID,
    /// Refuse when the customer has another version now.
    expected_version: Option<String>,
}

/// What came of a change.
#[derive(SimpleObject)]
pub struct CustomerPayload {
    /// The customer as he is now.
    customer: Option<types::Customer>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

/// What came of entering an address.
#[derive(SimpleObject)]
pub struct AddAddressPayload {
    /// The customer as he is now.
    customer: Option<types::Customer>,
    /// The new entry.
    address_id: Option<ID>,
    /// What has to be put right.
    user_errors: Vec<UserError>,
}

async fn now(service: &CustomersService, id: CustomerId) -> Result<Option<types::Customer>> {
    Ok(service.customer(id).await.map_err(failed)?.map(Into::into))
}

async fn payload(
    service: &CustomersService,
    id: CustomerId,
    done: Result<(), CustomersError>,
) -> Result<CustomerPayload> {
    Ok(match settled(done)? {
        Ok(()) => CustomerPayload { customer: now(service, id).await?, user_errors: vec![] },
        Err(user_errors) => CustomerPayload { customer: None, user_errors },
    })
}

fn change(value: MaybeUndefined<String>) -> Option<Option<String>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// The caller's own profile and address book.
#[derive(Default)]
pub struct Profiles;

#[Object]
impl Profiles {
    /// Changes name or telephone number.
    #[graphql(directive = authenticated::apply())]
    async fn update_profile(&self, ctx: &Context<'_>, input: UpdateProfileInput) -> Result<CustomerPayload> {
        let (service, id) = (service(ctx)?, own(ctx)?);
        let changes = ProfileChange { name: change(input.name), phone: change(input.phone) };
        let expected = version(input.expected_version.as_deref())?;
        payload(service, id, service.update_profile(id, &changes, expected).await).await
    }

    /// Enters an address into the book: at most 50.
    #[graphql(directive = authenticated::apply())]
    async fn add_address(&self, ctx: &Context<'_>, input: AddAddressInput) -> Result<AddAddressPayload> {
        let (service, id, asks) = (service(ctx)?, own(ctx)?, context(ctx)?);
        let refused = |user_errors| AddAddressPayload { customer: None, address_id: None, user_errors };
        let address = match input.address.clone().checked("address") {
            Ok(address) => address,
            Err(error) => return Ok(refused(vec![error])),
        };
        let (address, key) = (&address, input.idempotency_key.as_deref());
        // The record of the key holds the entry's id only, nothing personal.
        let added = run_once(&service.space, asks, "addAddress", key, &input, |tx| async move {
            service.add_address(&tx, id, address.clone(), input.is_default).await
        })
        .await;
        Ok(match settled(added)? {
            Ok(entry) => AddAddressPayload {
                customer: now(service, id).await?,
                address_id: Some(AddressId::to_string(&entry).into()),
                user_errors: vec![],
            },
            Err(user_errors) => refused(user_errors),
        })
    }

    /// Changes an address, or makes it the default.
    #[graphql(directive = authenticated::apply())]
    async fn update_address(&self, ctx: &Context<'_>, input: UpdateAddressInput) -> Result<CustomerPayload> {
        let (service, id) = (service(ctx)?, own(ctx)?);
        let entry = parse_id("addressId", &input.address_id)?;
        let address = match input.address.map(|address| address.checked("address")).transpose() {
            Ok(address) => address,
            Err(error) => return Ok(CustomerPayload { customer: None, user_errors: vec![error] }),
        };
        let change = AddressChange { address, default: input.is_default };
        let expected = version(input.expected_version.as_deref())?;
        payload(service, id, service.change_address(id, entry, &change, expected).await).await
    }

    /// Takes an address out of the book.
    #[graphql(directive = authenticated::apply())]
    async fn remove_address(&self, ctx: &Context<'_>, input: RemoveAddressInput) -> Result<CustomerPayload> {
        let (service, id) = (service(ctx)?, own(ctx)?);
        let entry = parse_id("addressId", &input.address_id)?;
        let expected = version(input.expected_version.as_deref())?;
        payload(service, id, service.remove_address(id, entry, expected).await).await
    }
}
