//! Opening an account.

mod room;

use emporia_customers::{AccountRefusal, CustomersError};
use room::{PASSWORD, Room, customer_of, meta, registration};
use std::collections::HashSet;

fn refusal<T>(done: Result<T, CustomersError>) -> AccountRefusal {
    match done {
        Err(CustomersError::Refused(refusal)) => refusal,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn whoever_registers_is_signed_in_and_can_sign_in_again() {
    let room = Room::open().await;
    let registered = room.register("Ada@Example.com").await;
    let customer = customer_of(&registered);
    assert_eq!(customer.profile.email.as_str(), "Ada@Example.com");
    let principal = room.customers.identify(&registered.access.token).unwrap();
    assert_eq!(principal, emporia_contracts::Principal::Customer(customer.id));
    for email in ["Ada@Example.com", "ada@example.com", " ADA@EXAMPLE.COM "] {
        let again = room.customers.sign_in(email, PASSWORD, &meta()).await.unwrap();
        assert_eq!(customer_of(&again).id, customer.id, "{email}");
    }
    assert_eq!(
        room.events().await,
        ["CustomerRegistered", "CustomerSignedIn", "CustomerSignedIn", "CustomerSignedIn"]
    );
}

#[tokio::test]
async fn sixty_four_who_register_one_address_together_make_one_account() {
    let room = Room::open().await;
    let mut all = tokio::task::JoinSet::new();
    for number in 0..64 {
        let customers = room.customers.clone();
        let email = if number % 2 == 0 { "ada@example.com" } else { "ADA@example.com" };
        all.spawn(async move { customers.open_account(registration(email), &meta()).await });
    }
    let (mut made, mut taken) = (HashSet::new(), 0);
    for done in all.join_all().await {
        match done {
            Ok(signed) => drop(made.insert(customer_of(&signed).id)),
            Err(CustomersError::Refused(AccountRefusal::EmailTaken)) => taken += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((made.len(), taken), (1, 63));
    assert_eq!(room.events().await, ["CustomerRegistered"]);
    let signed = room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await.unwrap();
    assert!(made.contains(&customer_of(&signed).id));
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused_with_the_reason() {
    let room = Room::open().await;
    let long = "x".repeat(129);
    let wrong_emails = [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "a b@example.com",
        "ada@ex\nample.com",
        "ada@example.com\0",
        "<ada@example.com>",
    ];
    for email in wrong_emails {
        assert_eq!(
            refusal(room.customers.open_account(registration(email), &meta()).await),
            AccountRefusal::Email,
            "{email:?}"
        );
    }
    for password in ["", "short77", "ada@example.com", "ADA@example.com", long.as_str()] {
        let mut who = registration("ada@example.com");
        who.password = password.into();
        let refused = refusal(room.customers.open_account(who, &meta()).await);
        assert!(matches!(refused, AccountRefusal::Password(_)), "{password:?}");
    }
    for name in ["", "   ", "Ada\r\nBcc: all@example.com", long.as_str()] {
        let mut who = registration("ada@example.com");
        who.name = Some(name.into());
        let refused = refusal(room.customers.open_account(who, &meta()).await);
        assert!(matches!(refused, AccountRefusal::Text { field: "name", .. }), "{name:?}");
    }
    for phone in ["", "12", "call me", "+49 30 1234\n5", long.as_str()] {
        let mut who = registration("ada@example.com");
        who.phone = Some(phone.into());
        let refused = refusal(room.customers.open_account(who, &meta()).await);
        assert!(matches!(refused, AccountRefusal::Text { field: "phone", .. }), "{phone:?}");
    }
    assert!(room.events().await.is_empty());
    for (password, email) in
        [("12345678", "a@example.com"), ("пароль12", "b@example.com"), (&long[..128], "c@example.com")]
    {
        let mut who = registration(email);
        who.password = password.into();
        assert!(room.customers.open_account(who, &meta()).await.is_ok(), "{password}");
        assert!(room.customers.sign_in(email, password, &meta()).await.is_ok(), "{password}");
    }
}

#[tokio::test]
async fn passwords_made_with_less_work_are_hashed_anew_at_the_next_sign_in() {
    use emporia_auth::PasswordCost;
    let room = Room::open().await;
    room.register("ada@example.com").await;
    let dearer = PasswordCost { memory_kib: 16, passes: 2 };
    let room = room.restart(dearer).await;
    for _ in 0..2 {
        assert!(room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await.is_ok());
    }
    assert!(room.place.holds("$argon2id$v=19$m=16,t=2,p=1$"));
}
