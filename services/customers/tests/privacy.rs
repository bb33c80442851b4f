//! What the law gives everybody: to know what is kept, and to be forgotten.

mod room;

use emporia_auth::PasswordCost;
use emporia_contracts::customers::Customers;
use emporia_customers::{AccountRefusal, CustomersError};
use room::{PASSWORD, Room, customer_of, meta};
use std::sync::atomic::Ordering;

const PERSONAL: [&str; 4] = ["ada@example.com", "Lovelace", "7946 0000", "Byron Road"];

async fn with_address(room: &Room) -> emporia_customers::CustomerView {
    let signed = room.register("ada@example.com").await;
    let id = customer_of(&signed).id;
    let who = emporia_contracts::Principal::Customer(id);
    let input = serde_json::json!({ "input": { "address": {
        "name": "Ada Lovelace", "line1": "1 Byron Road", "city": "London", "countryCode": "GB" } } });
    let added = room
        .run(who, "mutation($input: AddAddressInput!) { addAddress(input: $input) { addressId } }", input)
        .await;
    assert!(added["data"]["addAddress"]["addressId"].is_string(), "{added}");
    room.customers.customer(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_export_tells_everything_that_all_rooms_know() {
    let room = Room::open().await;
    let ada = with_address(&room).await;
    let export = room.customers.export_person(ada.person).await.unwrap();
    let text = export.to_string();
    for personal in PERSONAL {
        assert!(text.contains(personal), "{personal}");
    }
    assert_eq!(export["rooms"]["orders"]["ordersOf"], ada.person.to_string());
    assert_eq!(export["rooms"]["customers"]["sessions"].as_array().unwrap().len(), 1);
    assert!(!text.contains("argon2"));
    let guest = room.customers.guest_person().await.unwrap();
    assert!(room.customers.export_person(guest).await.unwrap()["rooms"]["customers"].is_null());
}

#[tokio::test]
async fn nothing_personal_is_ever_readable_on_disk() {
    let room = Room::open().await;
    let ada = with_address(&room).await;
    for personal in PERSONAL {
        assert!(!room.place.holds(personal), "before: {personal}");
    }
    assert!(room.place.holds(&ada.person.to_string()), "the search finds what is there");
    room.customers.erase_person(ada.person, &meta()).await.unwrap();
    let room = room.restart(PasswordCost::TEST).await;
    for personal in PERSONAL {
        assert!(!room.place.holds(personal), "after: {personal}");
    }
}

#[tokio::test]
async fn who_is_erased_cannot_sign_in_is_found_nowhere_and_may_register_again() {
    let room = Room::open().await;
    let signed = room.register("ada@example.com").await;
    let ada = customer_of(&signed);
    let sealed = room.vault.seal(ada.person, &"kept by another room").unwrap();
    let bob = customer_of(&room.register("bob@example.com").await);
    for _ in 0..2 {
        room.customers.erase_person(ada.person, &meta()).await.unwrap();
    }
    assert_eq!(room.vault.unseal::<String>(&sealed).unwrap(), None, "the key is destroyed");
    assert!(room.customers.customer(ada.id).await.unwrap().is_none());
    assert!(room.customers.account(ada.id).await.unwrap().is_none());
    let refused = |done: Result<_, CustomersError>| match done {
        Err(CustomersError::Refused(refusal)) => refusal,
        _ => panic!("not refused"),
    };
    let sign_in = room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await;
    assert_eq!(refused(sign_in), AccountRefusal::InvalidCredentials);
    let refresh = room.customers.refresh(&signed.refresh_token, &meta()).await;
    assert_eq!(refused(refresh), AccountRefusal::SessionEnded);
    let update = room.customers.update_profile(ada.id, &Default::default(), None).await;
    assert!(matches!(update, Err(CustomersError::NotFound(_))));
    assert!(room.customers.export_person(ada.person).await.unwrap()["rooms"]["customers"].is_null());
    assert!(room.customers.account(bob.id).await.unwrap().is_some(), "nobody else is touched");
    let events = room.events().await;
    assert_eq!(events, ["CustomerRegistered", "CustomerRegistered", "PersonErased"], "told once");
    assert_ne!(customer_of(&room.register("ada@example.com").await).id, ada.id);
}

#[tokio::test]
async fn an_erasure_that_another_room_could_not_follow_is_finished_later_also_after_a_restart() {
    let room = Room::open().await;
    let ada = customer_of(&room.register("ada@example.com").await);
    room.orders.fails.store(true, Ordering::SeqCst);
    assert!(room.customers.erase_person(ada.person, &meta()).await.is_err());
    assert!(room.vault.seal(ada.person, &1).is_ok(), "the key stays until all rooms are done");
    assert!(
        room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await.is_err(),
        "but the account is gone"
    );
    assert!(room.customers.sweep().await.is_err());
    let room = room.restart(PasswordCost::TEST).await;
    assert_eq!(room.customers.sweep().await.unwrap(), 1);
    assert_eq!(room.customers.sweep().await.unwrap(), 0);
    assert!(room.vault.seal(ada.person, &1).is_err());
    assert_eq!(room.orders.erased.load(Ordering::SeqCst), 1);
    assert_eq!(room.events().await.last().unwrap(), "PersonErased");
}

#[tokio::test]
async fn a_guest_is_erased_too_and_somebody_unknown_is_not_found() {
    let room = Room::open().await;
    let guest = room.customers.guest_person().await.unwrap();
    room.customers.erase_person(guest, &meta()).await.unwrap();
    assert!(room.vault.seal(guest, &1).is_err());
    let unknown = emporia_vault::PersonId::from(emporia_id::reexport::Uuid::nil());
    let done = room.customers.erase_person(unknown, &meta()).await;
    assert!(matches!(done, Err(CustomersError::NotFound(_))));
    assert_eq!(room.events().await, ["PersonErased"]);
}

#[tokio::test]
async fn erasing_oneself_needs_the_password() {
    let room = Room::open().await;
    let ada = customer_of(&room.register("ada@example.com").await);
    for wrong in ["", "wrong password"] {
        let done = room.customers.erase_customer(ada.id, wrong, &meta()).await;
        assert!(matches!(done, Err(CustomersError::Refused(AccountRefusal::InvalidCredentials))));
    }
    assert!(room.customers.customer(ada.id).await.unwrap().is_some());
    room.customers.erase_customer(ada.id, PASSWORD, &meta()).await.unwrap();
    assert!(room.customers.customer(ada.id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_key_file_says_was_erased_is_erased_again_after_a_restore() {
    let room = Room::open().await;
    let ada = customer_of(&room.register("ada@example.com").await);
    // As after restoring the store from a backup that is older than the erasure.
    room.vault.destroy(ada.person, room.store.clock().now()).unwrap();
    assert_eq!(room.customers.replay_erasures().await.unwrap(), 1);
    assert_eq!(room.customers.replay_erasures().await.unwrap(), 0);
    assert!(room.customers.customer(ada.id).await.unwrap().is_none());
    assert!(room.customers.open_account(room::registration("ada@example.com"), &meta()).await.is_ok());
}

#[tokio::test]
async fn an_erasure_that_cannot_be_finished_does_not_hold_up_the_next() {
    let room = Room::open().await;
    let ada = customer_of(&room.register("ada@example.com").await);
    room.clock.advance(jiff::SignedDuration::from_secs(1));
    let bob = customer_of(&room.register("bob@example.com").await);
    room.orders.fails.store(true, Ordering::SeqCst);
    for person in [ada.person, bob.person] {
        assert!(room.customers.erase_person(person, &meta()).await.is_err());
    }
    room.orders.fails.store(false, Ordering::SeqCst);
    *room.orders.fails_for.lock().unwrap() = Some(ada.person);
    assert!(room.customers.sweep().await.is_err());
    assert!(room.vault.seal(ada.person, &1).is_ok() && room.vault.seal(bob.person, &1).is_err());
    *room.orders.fails_for.lock().unwrap() = None;
    assert_eq!(room.customers.sweep().await.unwrap(), 1);
    assert!(room.vault.seal(ada.person, &1).is_err());
}
