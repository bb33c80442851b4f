//! Passkeys, made and shown by a software authenticator of another house (`passkey-rs`).

mod device;
mod room;

use device::{Device, without_verification};
use emporia_contracts::{Principal, customers::NoticeKind, ids::OperatorId};
use emporia_customers::{AccountRefusal, CeremonyStart, CustomersError, FirstStep, PasskeyView};
use jiff::SignedDuration;
use room::{PASSWORD, Room, SHOP, customer_of, english, meta};
use serde_json::json;
use totp_rs::Totp;

/// A page of the same domain that is not the shop.
const OTHER_PAGE: &str = "https://blog.example.com";
const STAFF: &str = "grace@example.com";

fn refused<T>(done: Result<T, CustomersError>) -> Option<AccountRefusal> {
    match done {
        Err(CustomersError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    }
}

/// Registers a passkey on the device.
async fn register(room: &Room, who: &Principal, device: &mut Device) -> PasskeyView {
    let start = room.customers.start_passkey(who, Some(PASSWORD)).await.unwrap();
    let credential = device.register(SHOP, &start.options).await;
    let (customers, locale, meta) = (&room.customers, english(), meta());
    let made = customers.finish_passkey(who, &start.ceremony, &credential, "Phone", &locale, &meta).await;
    made.unwrap()
}

/// A customer with a passkey on a device.
async fn shopper() -> (Room, Principal, Device) {
    let room = Room::open().await;
    let ada = Principal::Customer(customer_of(&room.register("ada@example.com").await).id);
    let mut device = Device::new();
    register(&room, &ada, &mut device).await;
    (room, ada, device)
}

/// An operator with an authenticator app.
async fn operator(room: &Room) -> (OperatorId, Principal) {
    let (roles, system) = (["analyst".to_owned()], Principal::System("cli".into()));
    let made = room.customers.create_operator(STAFF, "Grace", PASSWORD, &roles, &system, &meta()).await;
    let id = made.unwrap().id;
    let enrolment = room.customers.start_second_factor(id, PASSWORD).await.unwrap();
    let app = Totp::from_url(enrolment.uri.as_str()).unwrap();
    let code = app.generate(u64::try_from(room.clock_now().as_second()).unwrap()).to_string();
    room.customers.confirm_second_factor(id, &code, &meta()).await.unwrap();
    (id, Principal::Operator { id, scopes: Default::default() })
}

async fn half(room: &Room) -> emporia_customers::Half {
    match room.customers.sign_in_operator(STAFF, PASSWORD).await.unwrap() {
        FirstStep::Half(half) => half,
        FirstStep::SignedIn(_) => panic!("the password alone was enough"),
    }
}

async fn shows(room: &Room, start: &CeremonyStart, credential: &str) -> Option<AccountRefusal> {
    refused(room.customers.sign_in_with_passkey(&start.ceremony, credential, &meta()).await)
}

const WRONG: Option<AccountRefusal> = Some(AccountRefusal::PasskeyWrong);

#[tokio::test]
async fn a_shopper_signs_in_with_a_passkey_and_says_no_name() {
    let (room, ada, mut device) = shopper().await;
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    assert!(!start.options.contains("allowCredentials\":[{"), "it is nobody's: {}", start.options);
    let credential = device.show(SHOP, &start.options).await;
    let signed = room.customers.sign_in_with_passkey(&start.ceremony, &credential, &meta()).await.unwrap();
    assert_eq!(room.customers.identify(&signed.access.token).unwrap(), ada);
    assert!(room.customers.refresh(&signed.refresh_token, &meta()).await.is_ok());
    assert!(room.events().await.contains(&"CustomerSignedIn".to_owned()));
    let listed = room.customers.passkeys(&ada).await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, "Phone"));
    assert!(listed[0].used_at.is_some());
    assert_eq!(room.notices().await.last().map(|(kind, _)| *kind), Some(NoticeKind::PasskeyAdded));
    for secret in [&start.ceremony, "Phone"] {
        assert!(!room.place.holds(secret));
    }
}

#[tokio::test]
async fn an_answer_is_good_once_in_time_and_for_its_own_challenge() {
    let (room, _, mut device) = shopper().await;
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    let credential = device.show(SHOP, &start.options).await;
    let other = room.customers.start_passkey_sign_in().await.unwrap();
    assert_eq!(shows(&room, &other, &credential).await, WRONG, "another challenge");
    assert_eq!(shows(&room, &start, &credential).await, None);
    assert_eq!(shows(&room, &start, &credential).await, WRONG, "a second time");
    let own = device.show(SHOP, &other.options).await;
    assert_eq!(shows(&room, &other, &own).await, WRONG, "a wrong answer used the challenge up");
    let late = room.customers.start_passkey_sign_in().await.unwrap();
    let credential = device.show(SHOP, &late.options).await;
    room.clock.advance(SignedDuration::from_mins(6));
    assert_eq!(shows(&room, &late, &credential).await, WRONG, "too late");
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    for text in ["", "{}", "null", &"x".repeat(20_000)] {
        let done = room.customers.sign_in_with_passkey(&start.ceremony, text, &meta()).await;
        assert_eq!(refused(done), Some(AccountRefusal::PasskeyForm));
    }
}

#[tokio::test]
async fn many_who_show_one_answer_at_once_open_one_session() {
    let (room, _, mut device) = shopper().await;
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    let credential = device.show(SHOP, &start.options).await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (customers, ceremony, shown) =
            (room.customers.clone(), start.ceremony.clone(), credential.clone());
        all.spawn(async move { customers.sign_in_with_passkey(&ceremony, &shown, &meta()).await.is_ok() });
    }
    assert_eq!(all.join_all().await.into_iter().filter(|won| *won).count(), 1);
}

#[tokio::test]
async fn other_pages_and_unverified_holders_are_refused() {
    let (room, ada, mut device) = shopper().await;
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    let credential = device.show(OTHER_PAGE, &start.options).await;
    assert_eq!(shows(&room, &start, &credential).await, WRONG, "another page of the domain");
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    let mut stolen = device.clone_without_finger();
    let credential = stolen.show(SHOP, &without_verification(&start.options)).await;
    assert_eq!(shows(&room, &start, &credential).await, WRONG, "whoever holds the device is not enough");
    let start = room.customers.start_passkey(&ada, Some(PASSWORD)).await.unwrap();
    let credential = Device::new().register(OTHER_PAGE, &start.options).await;
    let customers = &room.customers;
    let done = customers.finish_passkey(&ada, &start.ceremony, &credential, "x", &english(), &meta()).await;
    assert_eq!(refused(done), WRONG);
    assert_eq!(customers.passkeys(&ada).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_copy_of_a_passkey_is_noticed_by_its_counter() {
    let (room, _, mut device) = shopper().await;
    let mut copy = device.clone();
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    let credential = device.show(SHOP, &start.options).await;
    assert_eq!(shows(&room, &start, &credential).await, None);
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    let credential = copy.show(SHOP, &start.options).await;
    assert_eq!(shows(&room, &start, &credential).await, WRONG);
    assert_eq!(room.events().await.last().map(String::as_str), Some("PasskeyCloneSuspected"));
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    let credential = device.show(SHOP, &start.options).await;
    assert_eq!(shows(&room, &start, &credential).await, None, "its holder goes on");
}

#[tokio::test]
async fn a_passkey_is_registered_by_its_holder_alone_renamed_and_removed() {
    let (room, ada, mut device) = shopper().await;
    let customers = &room.customers;
    for password in [None, Some("wrong")] {
        let done = customers.start_passkey(&ada, password).await;
        assert_eq!(refused(done), Some(AccountRefusal::InvalidCredentials), "a stolen token is not enough");
    }
    let eve = Principal::Customer(customer_of(&room.register("eve@example.com").await).id);
    let start = customers.start_passkey(&ada, Some(PASSWORD)).await.unwrap();
    let credential = Device::new().register(SHOP, &start.options).await;
    let done = customers.finish_passkey(&eve, &start.ceremony, &credential, "x", &english(), &meta()).await;
    assert_eq!(refused(done), WRONG, "another's challenge");
    let passkey = customers.passkeys(&ada).await.unwrap().remove(0);
    assert_eq!(
        refused(customers.rename_passkey(&eve, &passkey.id, "x").await),
        Some(AccountRefusal::NoPasskey)
    );
    let done = customers.remove_passkey(&eve, &passkey.id, &meta()).await;
    assert_eq!(refused(done), Some(AccountRefusal::NoPasskey));
    assert_eq!(customers.rename_passkey(&ada, &passkey.id, " Old phone ").await.unwrap().name, "Old phone");
    let start = customers.start_passkey_sign_in().await.unwrap();
    let credential = device.show(SHOP, &start.options).await;
    customers.remove_passkey(&ada, &passkey.id, &meta()).await.unwrap();
    assert_eq!(shows(&room, &start, &credential).await, WRONG, "a removed one is not accepted");
    assert!(customers.passkeys(&ada).await.unwrap().is_empty());
}

#[tokio::test]
async fn operators_show_a_passkey_after_their_password_and_shoppers_pages_do_not_take_it() {
    let room = Room::open().await;
    let (roles, system) = (["analyst".to_owned()], Principal::System("cli".into()));
    let made =
        room.customers.create_operator("bare@example.com", "B", PASSWORD, &roles, &system, &meta()).await;
    let bare = Principal::Operator { id: made.unwrap().id, scopes: Default::default() };
    let done = room.customers.start_passkey(&bare, Some(PASSWORD)).await;
    assert!(matches!(refused(done), Some(AccountRefusal::SecondFactorState(_))), "recovery codes come first");

    let (id, grace) = operator(&room).await;
    assert!(!half(&room).await.passkeys);
    let mut device = Device::new();
    register(&room, &grace, &mut device).await;
    let (customers, first) = (&room.customers, half(&room).await);
    assert!(first.passkeys);
    let start = customers.start_passkey_second_step(&first.challenge).await.unwrap();
    let credential = device.show(SHOP, &start.options).await;

    // The same answer in other places.
    assert_eq!(shows(&room, &start, &credential).await, WRONG, "in the shoppers' sign-in");
    let start = customers.start_passkey_second_step(&first.challenge).await.unwrap();
    let credential = device.show(SHOP, &start.options).await;
    let another = half(&room).await.challenge;
    let done = customers.complete_sign_in_with_passkey(&another, &start.ceremony, &credential, &meta()).await;
    assert_eq!(refused(done), WRONG, "for another first step");
    let discoverable = customers.start_passkey_sign_in().await.unwrap();
    let credential = device.show(SHOP, &discoverable.options).await;
    assert_eq!(
        shows(&room, &discoverable, &credential).await,
        WRONG,
        "operators have no sign-in without password"
    );

    let start = customers.start_passkey_second_step(&first.challenge).await.unwrap();
    let credential = device.show(SHOP, &start.options).await;
    let complete = |challenge: String| async {
        let shown = (start.ceremony.as_str(), credential.as_str());
        customers.complete_sign_in_with_passkey(&{ challenge }, shown.0, shown.1, &meta()).await
    };
    let signed = complete(first.challenge.clone()).await.unwrap();
    assert!(matches!(customers.identify(&signed.access.token), Ok(Principal::Operator { .. })));
    assert_eq!(refused(complete(first.challenge).await), Some(AccountRefusal::SessionEnded));

    customers.forget_second_factor(id, &meta()).await.unwrap();
    assert!(customers.passkeys(&grace).await.unwrap().is_empty(), "they go with the second factor");
}

#[tokio::test]
async fn a_shoppers_passkey_is_no_second_step_of_an_operator() {
    let (room, _, mut shoppers) = shopper().await;
    let (_, grace) = operator(&room).await;
    register(&room, &grace, &mut Device::new()).await;
    let first = half(&room).await;
    let start = room.customers.start_passkey_second_step(&first.challenge).await.unwrap();
    let mut options: serde_json::Value = serde_json::from_str(&start.options).unwrap();
    options["allowCredentials"] = json!([]);
    let credential = shoppers.show(SHOP, &options.to_string()).await;
    let (customers, shown) = (&room.customers, (start.ceremony.as_str(), credential.as_str()));
    let done = customers.complete_sign_in_with_passkey(&first.challenge, shown.0, shown.1, &meta()).await;
    assert_eq!(refused(done), WRONG);
}

#[tokio::test]
async fn passkeys_are_exported_and_go_with_their_holder() {
    let (room, ada, mut device) = shopper().await;
    let Principal::Customer(id) = ada else { panic!() };
    let person = room.customers.person_of(id).await.unwrap();
    let export = room.customers.export_person(person).await.unwrap();
    assert_eq!(export["rooms"]["customers"]["passkeys"][0]["name"], "Phone");
    let start = room.customers.start_passkey_sign_in().await.unwrap();
    let credential = device.show(SHOP, &start.options).await;
    room.customers.erase_person(person, &meta()).await.unwrap();
    assert_eq!(shows(&room, &start, &credential).await, WRONG);
    assert!(room.customers.passkeys(&ada).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_graph_says_the_same() {
    let (room, ada, mut device) = shopper().await;
    let start = "mutation { startPasskeySignIn { ceremony options expiresAt userErrors { code } } }";
    let start = room.run(Principal::Anonymous, start, json!({})).await["data"]["startPasskeySignIn"].take();
    let credential = device.show(SHOP, start["options"].as_str().unwrap()).await;
    let input = json!({ "input": { "ceremony": start["ceremony"], "credential": credential } });
    let sign_in = "mutation($input: SignInWithPasskeyInput!) { signInWithPasskey(input: $input) {
        accessToken customer { email } userErrors { code field message } } }";
    let signed = room.run(Principal::Anonymous, sign_in, input.clone()).await;
    assert_eq!(signed["data"]["signInWithPasskey"]["customer"]["email"], "ada@example.com", "{signed}");
    let again = room.run(Principal::Anonymous, sign_in, input).await;
    assert_eq!(again["data"]["signInWithPasskey"]["userErrors"][0]["code"], "INVALID_CREDENTIALS");
    let listed = room.run(ada, "{ passkeys { id name createdAt usedAt } }", json!({})).await;
    assert_eq!(listed["data"]["passkeys"][0]["name"], "Phone");
}
