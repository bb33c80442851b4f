//! Passwords.

use emporia_auth::{PasswordCost, PasswordError, Passwords};
use std::time::Instant;

fn cheap() -> Passwords {
    Passwords::new(PasswordCost::TEST, 2).unwrap()
}

#[tokio::test]
async fn a_password_is_known_again_and_another_is_not() {
    let passwords = cheap();
    let stored = passwords.hash("correct horse battery").await.unwrap();
    assert!(!stored.contains("horse"));
    for (password, expected) in [
        ("correct horse battery", true),
        ("Correct horse battery", false),
        ("", false),
        ("correct horse batter", false),
    ] {
        assert_eq!(passwords.verify(password, Some(&stored)).await, Ok(expected), "{password}");
    }
    assert_ne!(passwords.hash("correct horse battery").await.unwrap(), stored, "each hash has its own salt");
    assert!(matches!(passwords.verify("x", Some("no hash")).await, Err(PasswordError::Hash(_))));
}

#[tokio::test]
async fn owasps_parameters_stand_in_the_hash_and_a_cheaper_one_is_outdated() {
    let passwords = Passwords::new(PasswordCost::OWASP, 1).unwrap();
    let stored = passwords.hash("correct horse battery").await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    let old = cheap().hash("correct horse battery").await.unwrap();
    assert_eq!(passwords.verify("correct horse battery", Some(&old)).await, Ok(true));
    assert!(
        passwords.is_outdated(&old) && !passwords.is_outdated(&stored) && passwords.is_outdated("no hash")
    );
}

#[tokio::test]
async fn an_account_that_does_not_exist_costs_as_much_as_one_that_does() {
    let passwords = Passwords::new(PasswordCost { memory_kib: 8 * 1024, passes: 2 }, 1).unwrap();
    let stored = passwords.hash("correct horse battery").await.unwrap();
    let (mut known, mut unknown) = (std::time::Duration::MAX, std::time::Duration::MAX);
    for _ in 0..5 {
        let start = Instant::now();
        assert_eq!(passwords.verify("wrong", Some(&stored)).await, Ok(false));
        known = known.min(start.elapsed());
        let start = Instant::now();
        assert_eq!(passwords.verify("wrong", None).await, Ok(false));
        unknown = unknown.min(start.elapsed());
    }
    // Leaving the work out would be thousands of times faster.
    assert!(unknown * 4 > known && known * 4 > unknown, "{known:?} and {unknown:?}");
}

#[tokio::test]
async fn a_flood_is_turned_away_and_does_not_last() {
    let passwords = Passwords::new(PasswordCost { memory_kib: 512, passes: 1 }, 1).unwrap();
    let flood: Vec<_> = (0..1000)
        .map(|_| {
            let passwords = passwords.clone();
            async move { passwords.verify("wrong", None).await }
        })
        .collect();
    let mut waiting = tokio::task::JoinSet::new();
    for one in flood {
        waiting.spawn(one);
    }
    let answers = waiting.join_all().await;
    let busy = answers.iter().filter(|a| **a == Err(PasswordError::Busy)).count();
    let checked = answers.iter().filter(|a| **a == Ok(false)).count();
    assert!(busy > 0 && checked >= 512 && busy + checked == 1000, "{busy} turned away, {checked} checked");
    assert_eq!(passwords.verify("wrong", None).await, Ok(false));
}

#[tokio::test]
async fn the_runtime_goes_on_while_passwords_are_checked() {
    let passwords = Passwords::new(PasswordCost { memory_kib: 64 * 1024, passes: 4 }, 1).unwrap();
    let checking = tokio::spawn(async move { passwords.verify("wrong", None).await });
    // On the one thread of this runtime, other tasks run many times before the hash is done.
    let mut turns = 0u32;
    while !checking.is_finished() {
        tokio::task::yield_now().await;
        turns += 1;
    }
    assert!(turns > 100, "{turns}");
    assert_eq!(checking.await.unwrap(), Ok(false));
}
