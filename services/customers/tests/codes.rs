//! Codes that go by mail: registering, and choosing another password.

mod room;

use emporia_contracts::{Principal, customers::NoticeKind};
use emporia_customers::{AccountRefusal, CustomersError};
use jiff::SignedDuration;
use room::{PASSWORD, Room, customer_of, english, meta, registration};

const NEW: &str = "another long password";

fn refused<T>(done: Result<T, CustomersError>) -> Option<AccountRefusal> {
    match done {
        Err(CustomersError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    }
}

impl Room {
    async fn forgot(&self, email: &str) {
        self.customers.request_password_reset(email, &english(), &meta()).await.unwrap();
        self.customers.answer_challenges().await.unwrap();
    }

    async fn reset(&self, email: &str, code: &str) -> Option<AccountRefusal> {
        refused(self.customers.reset_password(email, code, NEW, &meta()).await)
    }

    async fn signs_in(&self, password: &str) -> bool {
        refused(self.customers.sign_in("ada@example.com", password, &meta()).await).is_none()
    }
}

#[tokio::test]
async fn whoever_shows_the_code_of_his_mail_has_an_account_with_a_verified_address() {
    let room = Room::open().await;
    room.ask_to_register("Ada@example.com").await;
    let (kind, notice) = room.notices().await.pop().unwrap();
    assert_eq!((kind, notice.email.as_str()), (NoticeKind::RegistrationCode, "Ada@example.com"));
    let code = notice.code.unwrap();
    assert_eq!(code.len(), 14, "twelve characters in groups: {code}");
    let typed = format!(" {} ", code.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l"));
    let signed = room.customers.register(registration("ada@example.com"), &typed, &meta()).await.unwrap();
    let customer = customer_of(&signed);
    assert!(customer.verified_at.is_some());
    assert_eq!(room.events().await, ["AccountNoticeIssued", "CustomerRegistered"]);
    let again = room.customers.register(registration("ada@example.com"), &code, &meta()).await;
    assert_eq!(refused(again), Some(AccountRefusal::CodeWrong), "a code works once");
    assert!(!room.place.holds(&code), "a code is stored as its hash, and sealed");
}

#[tokio::test]
async fn an_address_that_has_an_account_is_answered_as_one_that_has_none() {
    let room = Room::open().await;
    room.register("ada@example.com").await;
    for email in ["ada@example.com", "new@example.com"] {
        room.ask_to_register(email).await;
        for _ in 0..6 {
            let done = room.customers.register(registration(email), "0000-0000-0000", &meta()).await;
            assert_eq!(refused(done), Some(AccountRefusal::CodeWrong), "{email}");
        }
    }
    let told: Vec<_> = room.notices().await.into_iter().map(|(kind, n)| (kind, n.code.is_some())).collect();
    assert_eq!(told, [(NoticeKind::AlreadyRegistered, false), (NoticeKind::RegistrationCode, true)]);
    let code = room.code().await;
    let done = room.customers.register(registration("new@example.com"), &code, &meta()).await;
    assert_eq!(refused(done), Some(AccountRefusal::CodeWrong), "after five tries no code is right");
}

#[tokio::test]
async fn a_code_opens_an_account_for_its_own_address_only() {
    let room = Room::open().await;
    room.ask_to_register("ada@example.com").await;
    let code = room.code().await;
    room.ask_to_register("eve@example.com").await;
    let done = room.customers.register(registration("eve@example.com"), &code, &meta()).await;
    assert_eq!(refused(done), Some(AccountRefusal::CodeWrong));
    assert_eq!(
        room.reset("ada@example.com", &code).await,
        Some(AccountRefusal::CodeWrong),
        "nor for another purpose"
    );
    assert!(room.customers.register(registration("ada@example.com"), &code, &meta()).await.is_ok());
}

#[tokio::test]
async fn who_does_not_register_is_forgotten_after_a_day() {
    let room = Room::open().await;
    room.ask_to_register("ada@example.com").await;
    room.ask_to_register("ada@example.com").await;
    let code = room.code().await;
    assert_eq!(room.notices().await.len(), 1, "asking again at once sends no second mail");
    room.clock.advance(SignedDuration::from_hours(24));
    let late = room.customers.register(registration("ada@example.com"), &code, &meta()).await;
    assert_eq!(refused(late), Some(AccountRefusal::CodeWrong));
    assert_eq!(room.customers.answer_challenges().await.unwrap(), 1);
    assert_eq!(room.customers.answer_challenges().await.unwrap(), 0);
    assert_eq!(room.notices().await.len(), 0, "the key that opened the notice is destroyed");
    assert_eq!(room.orders.erased.load(std::sync::atomic::Ordering::SeqCst), 1, "other rooms forget too");
    room.ask_to_register("ada@example.com").await;
    let code = room.code().await;
    assert!(room.customers.register(registration("ada@example.com"), &code, &meta()).await.is_ok());
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_once_and_every_session_ends() {
    let room = Room::open().await;
    let signed = room.register("ada@example.com").await;
    let other = room.customers.sign_in("ada@example.com", PASSWORD, &meta()).await.unwrap();
    assert_eq!(customer_of(&signed).verified_at, None);
    room.forgot("ADA@example.com").await;
    let code = room.code().await;
    assert_eq!(room.reset("ada@example.com", &code).await, None);
    for token in [&signed.refresh_token, &other.refresh_token] {
        assert_eq!(refused(room.customers.refresh(token, &meta()).await), Some(AccountRefusal::SessionEnded));
    }
    assert!(!room.signs_in(PASSWORD).await && room.signs_in(NEW).await);
    assert_eq!(room.reset("ada@example.com", &code).await, Some(AccountRefusal::CodeWrong));
    let told: Vec<_> = room.notices().await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(told, [NoticeKind::PasswordCode, NoticeKind::PasswordChanged]);
    let id = customer_of(&signed).id;
    assert!(room.customers.customer(id).await.unwrap().unwrap().verified_at.is_some(), "he read the mail");
}

#[tokio::test]
async fn asking_for_another_password_tells_nobody_which_accounts_exist() {
    let room = Room::open().await;
    room.register("ada@example.com").await;
    let checks = |room: &Room| room.passwords.hashed();
    for (email, mails) in [("nobody@example.com", 0), ("ada@example.com", 1)] {
        let before = (checks(&room), room.commits().await);
        room.customers.request_password_reset(email, &english(), &meta()).await.unwrap();
        let asked = (checks(&room), room.commits().await);
        assert_eq!((asked.0 - before.0, asked.1 - before.1), (0, 1), "{email}: one document, no mail yet");
        room.customers.answer_challenges().await.unwrap();
        assert_eq!(room.notices().await.len(), mails, "{email}");
        for _ in 0..7 {
            let before = (checks(&room), room.commits().await);
            assert_eq!(room.reset(email, "0000-0000-0000").await, Some(AccountRefusal::CodeWrong), "{email}");
            let tried = (checks(&room), room.commits().await);
            assert_eq!((tried.0 - before.0, tried.1 - before.1), (1, 1), "{email}: the same work");
        }
    }
    let code = room.code().await;
    room.clock.advance(SignedDuration::from_mins(2));
    assert_eq!(room.reset("ada@example.com", &code).await, Some(AccountRefusal::CodeWrong), "too many tries");
    room.forgot("ada@example.com").await;
    let code = room.code().await;
    room.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(room.reset("ada@example.com", &code).await, Some(AccountRefusal::CodeWrong), "too late");
}

#[tokio::test]
async fn signing_in_checks_one_password_whether_or_not_there_is_an_account() {
    let room = Room::open().await;
    room.register("ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com", "no address at all"] {
        let (before, commits) = (room.passwords.hashed(), room.commits().await);
        assert!(room.customers.sign_in(email, "wrong password", &meta()).await.is_err());
        assert!(room.customers.sign_in_operator(email, "wrong password").await.is_err());
        assert_eq!(room.passwords.hashed() - before, 2, "{email}");
        assert_eq!(room.commits().await, commits, "{email}");
    }
}

#[tokio::test]
async fn five_mails_an_hour_go_to_one_address_whether_or_not_it_has_an_account() {
    let room = Room::open().await;
    room.register("ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..5 {
            room.forgot(email).await;
            room.clock.advance(SignedDuration::from_secs(61));
        }
        let done = room.customers.request_password_reset(email, &english(), &meta()).await;
        assert_eq!(refused(done), Some(AccountRefusal::TooManyCodes), "{email}");
    }
    assert_eq!(room.notices().await.len(), 5);
}

#[tokio::test]
async fn an_operator_resets_his_password_and_a_customer_of_the_same_address_keeps_his() {
    let room = Room::open().await;
    room.register("ada@example.com").await;
    let (roles, system) = (["analyst".to_owned()], Principal::System("cli".into()));
    room.customers
        .create_operator("ada@example.com", "Ada", PASSWORD, &roles, &system, &meta())
        .await
        .unwrap();
    room.customers.request_operator_password_reset("ada@example.com", &english(), &meta()).await.unwrap();
    room.customers.answer_challenges().await.unwrap();
    let code = room.code().await;
    assert_eq!(
        room.reset("ada@example.com", &code).await,
        Some(AccountRefusal::CodeWrong),
        "of another realm"
    );
    assert!(room.customers.reset_operator_password("ada@example.com", &code, NEW, &meta()).await.is_ok());
    assert!(room.customers.sign_in_operator("ada@example.com", NEW).await.is_ok());
    assert!(room.customers.sign_in_operator("ada@example.com", PASSWORD).await.is_err());
    assert!(room.signs_in(PASSWORD).await);
}

#[tokio::test]
async fn whoever_knows_his_password_changes_it_and_stays_signed_in() {
    let room = Room::open().await;
    let signed = room.register("ada@example.com").await;
    let who = Principal::Customer(customer_of(&signed).id);
    let change = |current: &'static str, new: &'static str| {
        let (customers, who) = (room.customers.clone(), who.clone());
        async move { customers.change_password(&who, current, new, &english(), &meta()).await }
    };
    assert_eq!(refused(change("wrong", NEW).await), Some(AccountRefusal::InvalidCredentials));
    assert!(matches!(refused(change(PASSWORD, "short").await), Some(AccountRefusal::Password(_))));
    let session = change(PASSWORD, NEW).await.unwrap();
    assert!(refused(room.customers.refresh(&session.refresh_token, &meta()).await).is_none());
    let old = room.customers.refresh(&signed.refresh_token, &meta()).await;
    assert_eq!(refused(old), Some(AccountRefusal::SessionEnded));
    assert!(!room.signs_in(PASSWORD).await && room.signs_in(NEW).await);
}

#[tokio::test]
async fn a_customer_verifies_his_address_later() {
    let room = Room::open().await;
    let id = customer_of(&room.register("ada@example.com").await).id;
    let verified = || async { room.customers.customer(id).await.unwrap().unwrap().verified_at.is_some() };
    room.customers.request_email_verification(id, &english(), &meta()).await.unwrap();
    room.customers.answer_challenges().await.unwrap();
    let code = room.code().await;
    let wrong = room.customers.verify_email(id, "0000-0000-0000", &meta()).await;
    assert_eq!((refused(wrong), verified().await), (Some(AccountRefusal::CodeWrong), false));
    room.customers.verify_email(id, &code, &meta()).await.unwrap();
    assert!(verified().await);
}

#[tokio::test]
async fn attempts_are_counted_by_network_address_too() {
    let room = Room::open().await;
    let admitted = |address: &str| room.customers.admit(Some(address.parse().unwrap())).is_ok();
    for (first, same, other) in [
        ("203.0.113.7", "::ffff:203.0.113.7", "203.0.113.8"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
    ] {
        assert!((0..30).all(|_| admitted(first)), "{first}");
        assert!(!admitted(first) && !admitted(same), "{first}");
        assert!(admitted(other), "{other}");
    }
    assert!((0..100).all(|_| room.customers.admit(None).is_ok()));
    room.clock.advance(SignedDuration::from_mins(1));
    assert!(admitted("203.0.113.7"));
}
