//! Nothing that a stranger sees tells whether there is an account: neither the answer, nor how much work it was.

mod room;

use emporia_customers::{AccountRefusal, CustomersError};
use emporia_store::{Document, Key};
use jiff::SignedDuration;
use room::{PASSWORD, Room, customer_of, english, meta};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An account of any kind, as it is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Stored(Map<String, Value>);

impl Document for Stored {
    const COLLECTION: &'static str = "customer";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, self.0["id"].as_str().unwrap_or_default())
    }
}

const UNKNOWN: &str = "nobody@example.com";
const WITH_PASSWORD: &str = "ada@example.com";
/// As a provider's word makes them.
const WITHOUT_PASSWORD: &str = "grace@example.com";
const ALL: [&str; 3] = [UNKNOWN, WITH_PASSWORD, WITHOUT_PASSWORD];

async fn open() -> Room {
    let room = Room::open().await;
    room.register(WITH_PASSWORD).await;
    let id = customer_of(&room.register(WITHOUT_PASSWORD).await).id;
    let (space, key) = (room.store.space("customers").unwrap(), &Key::of(Stored::COLLECTION, id.to_string()));
    space
        .transact(|tx| async move {
            let mut account = tx.get::<Stored>(key).await?.unwrap().value;
            account.0["password"] = Value::Null;
            tx.put(&account)
        })
        .await
        .unwrap();
    room
}

/// What an attempt comes to: its refusal, passwords that were hashed for it, transactions that were committed for it, and
/// mails that were sent before it was answered.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    refused: Option<AccountRefusal>,
    hashed: u64,
    committed: i64,
    mails: usize,
}

async fn seen<T>(room: &Room, attempt: impl Future<Output = Result<T, CustomersError>>) -> Seen {
    let (hashed, committed) = (room.passwords.hashed(), room.commits().await);
    let mails = room.notices().await.len();
    let refused = match attempt.await {
        Ok(_) => None,
        Err(CustomersError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
    };
    Seen {
        refused,
        hashed: room.passwords.hashed() - hashed,
        committed: room.commits().await - committed,
        mails: room.notices().await.len() - mails,
    }
}

#[tokio::test]
async fn a_wrong_password_is_the_same_work_for_every_address() {
    let room = open().await;
    let wrong = Seen { refused: Some(AccountRefusal::InvalidCredentials), hashed: 1, committed: 0, mails: 0 };
    for email in ALL {
        for password in ["wrong password", "", &"x".repeat(100_000)] {
            let tried = seen(&room, room.customers.sign_in(email, password, &meta())).await;
            assert_eq!(tried, wrong, "{email}");
        }
        let tried = seen(&room, room.customers.sign_in_operator(email, "wrong password")).await;
        assert_eq!(tried, wrong, "{email}");
    }
    let tried = seen(&room, room.customers.sign_in(WITHOUT_PASSWORD, PASSWORD, &meta())).await;
    assert_eq!(tried, wrong, "the password that it had");
}

#[tokio::test]
async fn too_many_attempts_are_no_work_for_any_address() {
    let room = open().await;
    for email in ALL {
        for _ in 0..10 {
            let _ = room.customers.sign_in(email, "wrong password", &meta()).await;
        }
        let locked =
            Seen { refused: Some(AccountRefusal::TooManyAttempts), hashed: 0, committed: 0, mails: 0 };
        for password in ["wrong password", PASSWORD] {
            let tried = seen(&room, room.customers.sign_in(email, password, &meta())).await;
            assert_eq!(tried, locked, "{email}");
        }
        let meta = meta();
        let done = room.customers.reset_password(email, "0000-0000-0000", "another password", &meta);
        assert_eq!(seen(&room, done).await, locked, "{email}: codes count with passwords");
    }
    room.clock.advance(SignedDuration::from_mins(1));
    assert!(room.customers.sign_in(WITH_PASSWORD, PASSWORD, &meta()).await.is_ok());
}

#[tokio::test]
async fn a_code_is_asked_for_and_tried_alike_and_its_mail_goes_afterwards() {
    let room = open().await;
    let asked = Seen { refused: None, hashed: 0, committed: 1, mails: 0 };
    for email in ALL {
        let customers = &room.customers;
        let (locale, meta) = (english(), meta());
        let reset = seen(&room, customers.request_password_reset(email, &locale, &meta)).await;
        assert_eq!(reset, asked, "{email}");
        let register = seen(&room, customers.start_registration(email, &locale, &meta)).await;
        assert_eq!(register, asked, "{email}");
        let tried = customers.reset_password(email, "0000-0000-0000", "another password", &meta);
        let wrong = Seen { refused: Some(AccountRefusal::CodeWrong), hashed: 1, committed: 1, mails: 0 };
        assert_eq!(seen(&room, tried).await, wrong, "{email}");
    }
    room.customers.answer_challenges().await.unwrap();
    // One for each address that registers or has an account already, and one for each account that forgot its password:
    // only whoever reads the mail learns which.
    assert_eq!(room.notices().await.len(), 3 + 2);
}
