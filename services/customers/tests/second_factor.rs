//! The second step of an operator's sign-in.

mod room;

use emporia_contracts::{Principal, ids::OperatorId};
use emporia_customers::{AccountRefusal, CustomersError, FirstStep, SignedIn};
use jiff::SignedDuration;
use room::{PASSWORD, Room, english, meta};
use totp_rs::Totp;

const MAIL: &str = "grace@example.com";

fn refused<T>(done: Result<T, CustomersError>) -> Option<AccountRefusal> {
    match done {
        Err(CustomersError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    }
}

/// An operator with an authenticator.
struct Grace {
    room: Room,
    id: OperatorId,
    /// The app, which scanned the address.
    app: Totp,
    secret: String,
    recovery: Vec<String>,
}

impl Grace {
    async fn enrolled() -> Self {
        let room = Room::open().await;
        let (roles, system) = (["analyst".to_owned()], Principal::System("cli".into()));
        let made = room.customers.create_operator(MAIL, "Grace", PASSWORD, &roles, &system, &meta()).await;
        let id = made.unwrap().id;
        let wrong = room.customers.start_second_factor(id, "wrong").await;
        assert_eq!(refused(wrong), Some(AccountRefusal::InvalidCredentials));
        let enrolment = room.customers.start_second_factor(id, PASSWORD).await.unwrap();
        assert!(enrolment.uri.starts_with("otpauth://totp/Emporia"));
        let app = Totp::from_url(enrolment.uri.as_str()).unwrap();
        let still = room.customers.sign_in_operator(MAIL, PASSWORD).await.unwrap();
        assert!(still.signed_in().is_some(), "nothing is asked for before a first code was shown");
        let wrong = room.customers.confirm_second_factor(id, "000000", &meta()).await;
        assert_eq!(refused(wrong), Some(AccountRefusal::SecondFactorWrong));
        let code = code_at(&app, room.clock_now());
        let recovery = room.customers.confirm_second_factor(id, &code, &meta()).await.unwrap();
        Self { room, id, app, secret: enrolment.secret.to_string(), recovery }
    }

    fn next_code(&self) -> String {
        self.room.clock.advance(SignedDuration::from_secs(30));
        code_at(&self.app, self.room.clock_now())
    }

    async fn first(&self) -> String {
        match self.room.customers.sign_in_operator(MAIL, PASSWORD).await.unwrap() {
            FirstStep::Half(half) => half.challenge,
            FirstStep::SignedIn(_) => panic!("the password alone was enough"),
        }
    }

    async fn second(&self, challenge: &str, code: &str) -> Result<SignedIn, CustomersError> {
        self.room.customers.complete_sign_in(challenge, code).await
    }
}

/// What the app shows.
fn code_at(app: &Totp, at: jiff::Timestamp) -> String {
    app.generate(u64::try_from(at.as_second()).unwrap()).to_string()
}

#[tokio::test]
async fn password_and_code_together_sign_in_and_neither_alone() {
    let grace = Grace::enrolled().await;
    let challenge = grace.first().await;
    assert!(grace.room.customers.refresh(&challenge, &meta()).await.is_err(), "half a sign-in is no session");
    assert!(grace.room.customers.identify(&challenge).is_err());
    let code = grace.next_code();
    assert_eq!(refused(grace.second("guessed", &code).await), Some(AccountRefusal::SessionEnded));
    assert_eq!(refused(grace.second(&challenge, "").await), Some(AccountRefusal::SecondFactorWrong));
    let signed = grace.second(&challenge, &code).await.unwrap();
    assert!(matches!(grace.room.customers.identify(&signed.access.token), Ok(Principal::Operator { .. })));
    assert!(grace.room.customers.refresh(&signed.refresh_token, &meta()).await.is_ok());
    let again = grace.second(&challenge, &grace.next_code()).await;
    assert_eq!(
        refused(again),
        Some(AccountRefusal::SessionEnded),
        "a first step is good for one second step"
    );
    for secret in [&grace.secret, &grace.recovery[0], &challenge] {
        assert!(!grace.room.place.holds(secret));
    }
}

#[tokio::test]
async fn a_code_works_once_also_for_many_at_once() {
    let grace = Grace::enrolled().await;
    let (code, mut all) = (grace.next_code(), tokio::task::JoinSet::new());
    for _ in 0..8 {
        let (challenge, customers, code) = (grace.first().await, grace.room.customers.clone(), code.clone());
        all.spawn(async move { customers.complete_sign_in(&challenge, &code).await.is_ok() });
    }
    let won = all.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    let older = code_at(&grace.app, grace.room.clock_now() - SignedDuration::from_secs(30));
    let challenge = grace.first().await;
    for used in [code, older] {
        let shown = refused(grace.second(&challenge, &used).await);
        assert!(matches!(
            shown,
            Some(AccountRefusal::SecondFactorWrong | AccountRefusal::SecondFactorLocked)
        ));
    }
}

#[tokio::test]
async fn after_five_wrong_codes_one_has_to_wait_longer_and_longer() {
    let grace = Grace::enrolled().await;
    let challenge = grace.first().await;
    for _ in 0..5 {
        let done = grace.second(&challenge, "000000").await;
        assert_eq!(refused(done), Some(AccountRefusal::SecondFactorWrong));
    }
    let code = grace.next_code();
    let locked = Some(AccountRefusal::SecondFactorLocked);
    assert_eq!(refused(grace.second(&challenge, &code).await), locked, "also the right one");
    grace.room.clock.advance(SignedDuration::from_secs(40));
    assert_eq!(refused(grace.second(&challenge, "000000").await), Some(AccountRefusal::SecondFactorWrong));
    grace.room.clock.advance(SignedDuration::from_secs(70));
    assert_eq!(refused(grace.second(&challenge, &grace.next_code()).await), locked, "now it is two minutes");
    grace.room.clock.advance(SignedDuration::from_mins(60));
    let ended = grace.second(&challenge, &grace.next_code()).await;
    assert_eq!(refused(ended), Some(AccountRefusal::SessionEnded), "the first step is over by now");
    let challenge = grace.first().await;
    assert!(grace.second(&challenge, &grace.next_code()).await.is_ok());
}

#[tokio::test]
async fn a_recovery_code_stands_in_once() {
    let grace = Grace::enrolled().await;
    assert_eq!(grace.recovery.len(), 8);
    let typed = grace.recovery[0].to_lowercase();
    assert!(grace.second(&grace.first().await, &typed).await.is_ok());
    let again = grace.second(&grace.first().await, &grace.recovery[0]).await;
    assert_eq!(refused(again), Some(AccountRefusal::SecondFactorWrong));
    assert!(grace.second(&grace.first().await, &grace.recovery[1]).await.is_ok());
}

#[tokio::test]
async fn another_password_does_not_get_around_the_code() {
    let grace = Grace::enrolled().await;
    let challenge = grace.first().await;
    let customers = &grace.room.customers;
    customers.request_operator_password_reset(MAIL, &english(), &meta()).await.unwrap();
    customers.answer_challenges().await.unwrap();
    let code = grace.room.code().await;
    customers.reset_operator_password(MAIL, &code, "another long password", &meta()).await.unwrap();
    let done = grace.second(&challenge, &grace.next_code()).await;
    assert_eq!(refused(done), Some(AccountRefusal::SessionEnded), "the old password opens nothing any more");
    let step = customers.sign_in_operator(MAIL, "another long password").await.unwrap();
    assert!(step.signed_in().is_none());
}

#[tokio::test]
async fn a_second_factor_is_removed_by_password_and_code_or_at_the_machine() {
    let grace = Grace::enrolled().await;
    let customers = &grace.room.customers;
    let twice = customers.start_second_factor(grace.id, PASSWORD).await;
    assert!(matches!(refused(twice), Some(AccountRefusal::SecondFactorState(_))), "not replaced in passing");
    let wrong = customers.remove_second_factor(grace.id, PASSWORD, "000000", &meta()).await;
    assert_eq!(refused(wrong), Some(AccountRefusal::SecondFactorWrong));
    let code = grace.next_code();
    let wrong = customers.remove_second_factor(grace.id, "wrong", &code, &meta()).await;
    assert_eq!(refused(wrong), Some(AccountRefusal::InvalidCredentials));
    customers.remove_second_factor(grace.id, PASSWORD, &code, &meta()).await.unwrap();
    let signed = customers.sign_in_operator(MAIL, PASSWORD).await.unwrap().signed_in().unwrap();

    let enrolment = customers.start_second_factor(grace.id, PASSWORD).await.unwrap();
    let app = Totp::from_url(enrolment.uri.as_str()).unwrap();
    let code = code_at(&app, grace.room.clock_now());
    customers.confirm_second_factor(grace.id, &code, &meta()).await.unwrap();
    assert!(customers.operator_by_email("Grace@example.com").await.unwrap().unwrap().second_factor);
    customers.forget_second_factor(grace.id, &meta()).await.unwrap();
    assert!(customers.refresh(&signed.refresh_token, &meta()).await.is_err(), "his sessions ended");
    assert!(customers.sign_in_operator(MAIL, PASSWORD).await.unwrap().signed_in().is_some());
}
