//! Documents that an earlier release wrote are read and work on.

mod room;

use emporia_store::{Document, IndexEntry, Key};
use room::{PASSWORD, Room, customer_of, english, meta};
use serde::{Deserialize, Serialize};

/// The account of a customer as the first release wrote it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OldCustomer {
    id: emporia_contracts::ids::CustomerId,
    person: emporia_vault::PersonId,
    mail_hash: String,
    password: String,
    profile: emporia_vault::Sealed,
    addresses: emporia_vault::Sealed,
    created_at: jiff::Timestamp,
}

impl Document for OldCustomer {
    const COLLECTION: &'static str = "customer";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, self.id.to_string())
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![]
    }
}

#[tokio::test]
async fn an_account_of_the_first_release_signs_in_and_resets_its_password() {
    let room = Room::open().await;
    let id = customer_of(&room.register("ada@example.com").await).id;
    let space = room.store.space("customers").unwrap();
    let key = &Key::of(OldCustomer::COLLECTION, id.to_string());
    space
        .transact(|tx| async move {
            let old = tx.get::<OldCustomer>(key).await?.unwrap().value;
            tx.put(&old)
        })
        .await
        .unwrap();
    let written = serde_json::to_value(space.get::<OldCustomer>(key).await.unwrap().unwrap().value).unwrap();
    let mut names: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["addresses", "created_at", "id", "mail_hash", "password", "person", "profile"]);
    let signed = room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await.unwrap();
    assert_eq!(customer_of(&signed).verified_at, None);
    room.customers.request_password_reset("ada@example.com", &english(), &meta()).await.unwrap();
    room.customers.answer_challenges().await.unwrap();
    let code = room.code().await;
    room.customers.reset_password("ada@example.com", &code, "another password", &meta()).await.unwrap();
    let signed = room.customers.sign_in("ada@example.com", "another password", &meta()).await.unwrap();
    assert!(customer_of(&signed).verified_at.is_some());
}
