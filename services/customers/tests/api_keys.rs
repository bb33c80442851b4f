//! API keys.

mod room;

use emporia_auth::Scopes;
use emporia_contracts::{Principal, ids::CustomerId};
use emporia_customers::{ApiKeyRefusal, CustomersError, IdentifyError, NewApiKey, Policies};
use jiff::SignedDuration;
use room::{Room, customer_of, meta};

fn system() -> Principal {
    Principal::System("cli".into())
}

async fn make(room: &Room, scopes: &[&str], by: &Principal) -> Result<NewApiKey, CustomersError> {
    let scopes: Vec<String> = scopes.iter().map(|s| (*s).to_owned()).collect();
    room.customers.create_api_key("Warehouse", &scopes, None, by, &meta()).await
}

fn refused(done: Result<NewApiKey, CustomersError>) -> ApiKeyRefusal {
    match done {
        Err(CustomersError::ApiKey(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_holds_from_its_making_until_it_is_revoked_or_ends() {
    let room = Room::open().await;
    let made = make(&room, &["stock:read", "stock:write"], &system()).await.unwrap();
    assert!(made.secret.starts_with(&format!("{}_", made.view.prefix)) && made.secret.starts_with("emk_01"));
    let Principal::Service { id, scopes } = room.customers.identify_api_key(&made.secret).await.unwrap()
    else {
        panic!("not a service");
    };
    assert_eq!((id, scopes), (made.view.id, ["stock:read".to_owned(), "stock:write".to_owned()].into()));
    let end = room.clock_now() + SignedDuration::from_hours(1);
    let scopes = ["stock:read".to_owned()];
    let short = room.customers.create_api_key("Short", &scopes, Some(end), &system(), &meta()).await.unwrap();
    assert!(room.customers.identify_api_key(&short.secret).await.is_ok());
    room.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(room.customers.identify_api_key(&short.secret).await, Err(IdentifyError::ApiKey));

    let revoked = room.customers.revoke_api_key(id, &meta()).await.unwrap();
    assert!(revoked.revoked_at.is_some());
    assert_eq!(room.customers.identify_api_key(&made.secret).await, Err(IdentifyError::ApiKey));
    assert_eq!(room.customers.revoke_api_key(id, &meta()).await.unwrap(), revoked, "again changes nothing");
    assert_eq!(room.events().await, ["ApiKeyCreated", "ApiKeyCreated", "ApiKeyRevoked"]);
    let names: Vec<_> = room.customers.api_keys(10).await.unwrap().into_iter().map(|k| k.name).collect();
    assert_eq!(names.len(), 2);
}

#[tokio::test]
async fn only_the_whole_text_of_a_key_is_accepted_and_only_its_hash_is_stored() {
    let room = Room::open().await;
    let made = make(&room, &["stock:read"], &system()).await.unwrap();
    let other = make(&room, &["orders:read"], &system()).await.unwrap();
    let (prefix, tail) = made.secret.split_at(made.view.prefix.len() + 1);
    let swapped = format!("{}_{tail}", other.view.prefix);
    for wrong in [
        "",
        "emk_",
        "emk__",
        prefix,
        tail,
        &made.secret[..made.secret.len() - 1],
        &format!("{}x", made.secret),
        &made.secret.to_uppercase(),
        &swapped,
        made.view.id.to_string().as_str(),
        &"emk_".repeat(10_000),
    ] {
        assert_eq!(room.customers.identify_api_key(wrong).await, Err(IdentifyError::ApiKey), "{wrong:.60}");
    }
    assert!(!room.place.holds(tail) && tail.len() == 43);
    assert!(!format!("{made:?}").contains(tail));
}

#[tokio::test]
async fn a_token_of_one_realm_is_none_in_another() {
    let room = Room::open().await;
    let signed = room.register("ada@example.com").await;
    let key = make(&room, &["stock:read"], &system()).await.unwrap().secret;
    assert!(room.customers.identify(&key).is_err(), "a key is no access token");
    for token in [&signed.access.token, &signed.refresh_token] {
        assert_eq!(room.customers.identify_api_key(token).await, Err(IdentifyError::ApiKey));
        let dressed = format!("emk_{token}");
        assert_eq!(room.customers.identify_api_key(&dressed).await, Err(IdentifyError::ApiKey));
    }
    for secret in [&key, &signed.access.token] {
        assert!(room.customers.refresh(secret, &meta()).await.is_err(), "nor a refresh token");
    }
    assert!(room.customers.identify(&signed.refresh_token).is_err());
    let who = room.customers.identify(&signed.access.token).unwrap();
    assert_eq!(who, Principal::Customer(customer_of(&signed).id));
}

#[tokio::test]
async fn nobody_grants_a_key_more_than_he_holds() {
    let room = Room::open().await;
    let customer = Principal::Customer(room.ids().next::<CustomerId>());
    let roles = Policies::built_in();
    for role in roles.names() {
        let scopes = Scopes::clone(&roles.scopes(role).unwrap()).into_set();
        let operator = Principal::Operator { id: room.ids().next(), scopes: scopes.clone() };
        let service = Principal::Service { id: room.ids().next(), scopes: scopes.clone() };
        for wanted in emporia_customers::scopes::ALL {
            for by in [&operator, &service] {
                let made = make(&room, &[wanted], by).await;
                assert_eq!(made.is_ok(), scopes.contains(*wanted), "{role} grants {wanted}");
            }
        }
    }
    for nobody in [&Principal::Anonymous, &customer] {
        let done = make(&room, &["stock:read"], nobody).await;
        assert_eq!(refused(done), ApiKeyRefusal::Exceeds("stock:read".into()));
    }
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_with_the_reason() {
    let room = Room::open().await;
    assert_eq!(refused(make(&room, &[], &system()).await), ApiKeyRefusal::NoScopes);
    let wrong = refused(make(&room, &["stock:read", "everything"], &system()).await);
    assert!(wrong.to_string().contains("everything") && wrong.to_string().contains("stock:write"), "{wrong}");
    for name in ["", "  ", "a\nb", &"x".repeat(81)] {
        let scopes = ["stock:read".to_owned()];
        let done = room.customers.create_api_key(name, &scopes, None, &system(), &meta()).await;
        assert_eq!(refused(done), ApiKeyRefusal::Name, "{name:?}");
    }
    let scopes = ["stock:read".to_owned()];
    let now = Some(room.clock_now());
    let done = room.customers.create_api_key("Late", &scopes, now, &system(), &meta()).await;
    assert_eq!(refused(done), ApiKeyRefusal::Over);
    assert!(room.events().await.is_empty());
}
