//! Documents that an earlier release wrote are read and work on.

mod room;

use emporia_contracts::{Principal, ids::OperatorId};
use emporia_store::{Document, Key};
use room::{PASSWORD, Room, customer_of, english, meta};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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

/// The account of an operator as the first release wrote it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OldOperator {
    id: OperatorId,
    person: emporia_vault::PersonId,
    mail_hash: String,
    password: String,
    profile: emporia_vault::Sealed,
    roles: BTreeSet<String>,
    created_at: jiff::Timestamp,
}

impl Document for OldOperator {
    const COLLECTION: &'static str = "operator";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, self.id.to_string())
    }
}

#[tokio::test]
async fn an_operator_of_the_first_release_signs_in_and_takes_a_second_factor() {
    let (room, mail) = (Room::open().await, "grace@example.com");
    let (roles, system) = (["analyst".to_owned()], Principal::System("cli".into()));
    let made = room.customers.create_operator(mail, "Grace", PASSWORD, &roles, &system, &meta()).await;
    let id = made.unwrap().id;
    let space = room.store.space("customers").unwrap();
    let key = &Key::of(OldOperator::COLLECTION, id.to_string());
    space
        .transact(|tx| async move {
            let old = tx.get::<OldOperator>(key).await?.unwrap().value;
            tx.put(&old)
        })
        .await
        .unwrap();
    let signed = room.customers.sign_in_operator(mail, PASSWORD).await.unwrap().signed_in();
    assert!(signed.is_some(), "nobody is locked out");
    let enrolment = room.customers.start_second_factor(id, PASSWORD).await.unwrap();
    let app = totp_rs::Totp::from_url(enrolment.uri.as_str()).unwrap();
    let code = app.generate(u64::try_from(room.clock_now().as_second()).unwrap()).to_string();
    room.customers.confirm_second_factor(id, &code, &meta()).await.unwrap();
    assert!(room.customers.sign_in_operator(mail, PASSWORD).await.unwrap().signed_in().is_none());
}
