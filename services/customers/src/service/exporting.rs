use crate::{
    model::{Holder, PersonIndex, Session},
    service::{CustomersError, CustomersService},
};
use emporia_contracts::{customers::PersonalData, ids::CustomerId};
use emporia_store::Children;
use emporia_vault::PersonId;
use serde_json::{Map, Value, json};

impl CustomersService {
    /// Everything that all rooms keep about a person, readable (GDPR, article 15 and 20).
    ///
    /// # Errors
    /// Faults of a room: an export is whole or none.
    pub async fn export_person(&self, person: PersonId) -> Result<Value, CustomersError> {
        let mut rooms = Map::new();
        rooms.insert(self.room().to_owned(), self.export_own(person).await?);
        for room in self.rooms()?.iter() {
            rooms.insert(room.room().to_owned(), room.export(person).await?);
        }
        Ok(json!({ "person": person, "exportedAt": self.now(), "rooms": rooms }))
    }

    /// The person behind a customer.
    ///
    /// # Errors
    /// [`CustomersError::NotFound`]; faults.
    pub async fn person_of(&self, customer: CustomerId) -> Result<PersonId, CustomersError> {
        let found =
            self.space.get::<crate::model::Customer>(&crate::model::Customer::key_of(customer)).await?;
        found.map(|c| c.person).ok_or_else(|| CustomersError::NotFound(format!("customer {customer}")))
    }

    pub(crate) async fn export_own(&self, person: PersonId) -> Result<Value, CustomersError> {
        let Some(index) = self.space.get::<PersonIndex>(&PersonIndex::key_of(person)).await? else {
            return Ok(Value::Null);
        };
        let sessions = Value::Array(self.export_sessions(index.holder).await?);
        let passkeys = self.export_passkeys(index.holder).await?;
        Ok(match index.holder {
            Holder::Customer(id) => {
                let identities = self.identities(id).await?;
                let identities = identities.iter().map(|i| json!({ "provider": i.provider, "linkedAt": i.linked_at }));
                let identities: Value = identities.collect();
                self.customer(id).await?.map_or(Value::Null, |c| {
                let addresses = c.addresses.entries().iter();
                let addresses = addresses.map(|e| {
                    json!({ "id": e.id, "default": c.addresses.default_entry() == Some(e.id), "address": e.address })
                });
                json!({
                    "customer": id, "createdAt": c.created_at, "emailVerifiedAt": c.verified_at, "email": c.profile.email, "name": c.profile.name,
                    "phone": c.profile.phone, "addresses": addresses.collect::<Vec<_>>(), "passkeys": passkeys,
                    "identities": identities, "sessions": sessions,
                })
            })
            }
            Holder::Operator(id) => self.operator(id).await?.map_or(Value::Null, |o| {
                json!({
                    "operator": id, "createdAt": o.created_at, "email": o.profile.email, "name": o.profile.name,
                    "roles": o.roles, "passkeys": passkeys, "sessions": sessions,
                })
            }),
        })
    }

    async fn export_sessions(&self, holder: Holder) -> Result<Vec<Value>, CustomersError> {
        let partition = Session::all_of(holder);
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self
                .space
                .children::<Session>(Children::of(partition.partition()).limit(500).after(after))
                .await?;
            after = page.items.last().map(|(cursor, _)| cursor.clone());
            let more = page.has_more && after.is_some();
            all.extend(
                page.into_values()
                    .into_iter()
                    .map(|s| json!({ "startedAt": s.started_at, "expiresAt": s.expires_at })),
            );
            if !more {
                return Ok(all);
            }
        }
    }
}
