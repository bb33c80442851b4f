//! Signing in, refreshing, signing out.

mod room;

use emporia_contracts::Principal;
use emporia_customers::{AccountRefusal, CustomersError, IdentifyError};
use jiff::SignedDuration;
use room::{PASSWORD, Room, customer_of, meta};

fn refused<T>(done: Result<T, CustomersError>) -> Option<AccountRefusal> {
    match done {
        Err(CustomersError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_cannot_be_told_apart() {
    let room = Room::open().await;
    room.register("ada@example.com").await;
    let long = "x".repeat(100_000);
    let attempts = [
        ("ada@example.com", "wrong password"),
        ("ada@example.com", ""),
        ("ada@example.com", long.as_str()),
        ("nobody@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("", ""),
        (long.as_str(), PASSWORD),
    ];
    for (email, password) in attempts {
        let done = room.customers.sign_in(email, password, &meta()).await;
        assert_eq!(refused(done), Some(AccountRefusal::InvalidCredentials), "{:?}", email.get(..20));
        let done = room.customers.sign_in_operator(email, password).await;
        assert_eq!(refused(done), Some(AccountRefusal::InvalidCredentials), "a customer is no operator");
    }
    assert_eq!(room.events().await, ["CustomerRegistered"]);
}

#[tokio::test]
async fn ten_attempts_a_minute_are_enough_for_known_and_unknown_addresses_alike() {
    let room = Room::open().await;
    room.register("ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        for attempt in 0..10 {
            let done = room.customers.sign_in(email, "wrong password", &meta()).await;
            assert_eq!(refused(done), Some(AccountRefusal::InvalidCredentials), "{email} {attempt}");
        }
        // Other spellings are the same account.
        for spelling in [email.to_owned(), email.to_uppercase()] {
            let done = room.customers.sign_in(&spelling, PASSWORD, &meta()).await;
            assert_eq!(refused(done), Some(AccountRefusal::TooManyAttempts), "{spelling}");
        }
    }
    assert!(
        room.customers
            .sign_in("other@example.com", PASSWORD, &meta())
            .await
            .is_err_and(|e| { matches!(e, CustomersError::Refused(AccountRefusal::InvalidCredentials)) })
    );
    room.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(refused(room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await), None);
}

#[tokio::test]
async fn each_refresh_gives_another_pair_and_the_session_outlives_the_access_token() {
    let room = Room::open().await;
    let first = room.register("ada@example.com").await;
    let mut refresh_token = first.refresh_token.clone();
    for _ in 0..5 {
        room.clock.advance(SignedDuration::from_mins(16));
        let next = room.customers.refresh(&refresh_token, &meta()).await.unwrap();
        assert_ne!(next.refresh_token, refresh_token);
        let principal = room.customers.identify(&next.access.token).unwrap();
        assert_eq!(principal, Principal::Customer(customer_of(&first).id));
        refresh_token = next.refresh_token;
    }
    assert!(matches!(room.customers.identify(&first.access.token), Err(IdentifyError::Token(_))));
    room.clock.advance(SignedDuration::from_hours(24 * 30));
    let late = room.customers.refresh(&refresh_token, &meta()).await;
    assert_eq!(refused(late), Some(AccountRefusal::SessionEnded), "a session that nobody refreshes ends");
}

#[tokio::test]
async fn a_refresh_token_that_is_shown_twice_ends_its_session_and_no_other() {
    let room = Room::open().await;
    let stolen = room.register("ada@example.com").await.refresh_token;
    let other = room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await.unwrap().refresh_token;
    let second = room.customers.refresh(&stolen, &meta()).await.unwrap().refresh_token;
    let third = room.customers.refresh(&second, &meta()).await.unwrap().refresh_token;
    assert_eq!(refused(room.customers.refresh(&stolen, &meta()).await), Some(AccountRefusal::SessionEnded));
    for ended in [&third, &second, &stolen] {
        assert_eq!(refused(room.customers.refresh(ended, &meta()).await), Some(AccountRefusal::SessionEnded));
    }
    assert_eq!(refused(room.customers.refresh(&other, &meta()).await), None);
    let reuse = room.events().await.into_iter().filter(|event| event == "SessionReuseDetected").count();
    assert_eq!(reuse, 1, "told once");
}

#[tokio::test]
async fn of_many_who_use_one_refresh_token_together_at_most_one_succeeds() {
    let room = Room::open().await;
    let token = room.register("ada@example.com").await.refresh_token;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (customers, token) = (room.customers.clone(), token.clone());
        all.spawn(async move { customers.refresh(&token, &meta()).await });
    }
    let won: Vec<_> = all.join_all().await.into_iter().filter_map(Result::ok).collect();
    assert!(won.len() <= 1);
    for winner in won {
        let after = room.customers.refresh(&winner.refresh_token, &meta()).await;
        assert_eq!(refused(after), Some(AccountRefusal::SessionEnded), "the family has ended");
    }
}

#[tokio::test]
async fn signing_out_ends_one_session_or_all() {
    let room = Room::open().await;
    let one = room.register("ada@example.com").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others
            .push(room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await.unwrap().refresh_token);
    }
    for token in [one.refresh_token.as_str(), one.refresh_token.as_str(), "unknown", "", &"x".repeat(10_000)]
    {
        room.customers.sign_out(token).await.unwrap();
    }
    assert_eq!(
        refused(room.customers.refresh(&one.refresh_token, &meta()).await),
        Some(AccountRefusal::SessionEnded)
    );
    others[0] = room.customers.refresh(&others[0], &meta()).await.unwrap().refresh_token;
    room.customers.sign_out_everywhere(customer_of(&one).id).await.unwrap();
    for token in &others {
        assert_eq!(refused(room.customers.refresh(token, &meta()).await), Some(AccountRefusal::SessionEnded));
    }
    assert_eq!(refused(room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await), None);
}

#[tokio::test]
async fn all_of_very_many_sessions_end() {
    let room = Room::open().await;
    let one = room.register("ada@example.com").await;
    let mut tokens = vec![];
    for _ in 0..12 {
        room.clock.advance(SignedDuration::from_secs(60));
        for _ in 0..10 {
            tokens.push(
                room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await.unwrap().refresh_token,
            );
        }
    }
    room.customers.sign_out_everywhere(customer_of(&one).id).await.unwrap();
    for token in [&tokens[0], &tokens[60], &tokens[119]] {
        assert_eq!(refused(room.customers.refresh(token, &meta()).await), Some(AccountRefusal::SessionEnded));
    }
}

#[tokio::test]
async fn no_secret_is_readable_in_the_store() {
    let room = Room::open().await;
    let signed = room.register("ada@example.com").await;
    let refreshed = room.customers.refresh(&signed.refresh_token, &meta()).await.unwrap();
    for secret in [
        PASSWORD,
        &signed.refresh_token,
        &signed.access.token,
        &refreshed.refresh_token,
        &refreshed.access.token,
    ] {
        assert!(!room.place.holds(secret));
    }
    let printed = format!("{signed:?} {refreshed:?} {:?}", room.customers);
    assert!(!printed.contains(&signed.refresh_token) && !printed.to_lowercase().contains("ada"));
}

#[tokio::test]
async fn a_bearer_token_of_somebody_else_or_none_names_nobody() {
    let room = Room::open().await;
    for bearer in ["", "x", "a.b.c", "Bearer x", &"y".repeat(50_000)] {
        assert!(room.customers.identify(bearer).is_err());
    }
}
