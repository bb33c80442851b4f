//! Access tokens: what is accepted and what is not.

use emporia_auth::{AccessTokens, KeyRing, Scopes, TokenError, TokenKey, TokenOptions};
use emporia_id::{Clock, FixedClock, Ids};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::sync::Arc;

const ISSUER: &str = "https://shop.example";

fn at_noon() -> Arc<FixedClock> {
    Arc::new(FixedClock::at("2026-11-24T12:00:00Z".parse().unwrap()))
}

fn tokens(key: &TokenKey, clock: &Arc<FixedClock>) -> AccessTokens {
    AccessTokens::new(key.clone(), TokenOptions::new(ISSUER), clock.clone(), Ids::seeded(clock.clone(), 1))
}

fn encode(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(text)
}

#[test]
fn a_token_says_who_what_and_until_when() {
    let (key, clock) = (TokenKey::generate(), at_noon());
    let tokens = tokens(&key, &clock);
    let scopes = Scopes::from_iter(["notes:write", "notes:read"]);
    let issued = tokens.issue("operator/opr_1", &scopes);
    let claims = tokens.verify(&issued.token).unwrap();
    assert_eq!((claims.subject.as_str(), &claims.scopes), ("operator/opr_1", &scopes));
    assert_eq!(claims.expires_at, issued.expires_at);
    assert_eq!(issued.expires_at, "2026-11-24T12:15:00Z".parse::<Timestamp>().unwrap());
    assert!(!format!("{issued:?}").contains(&issued.token), "a token does not get into logs");
}

#[test]
fn a_token_holds_from_its_making_to_its_end_give_or_take_the_clocks_skew() {
    let (key, clock) = (TokenKey::generate(), at_noon());
    let tokens = tokens(&key, &clock);
    let token = tokens.issue("a", &Scopes::none()).token;
    let cases = [
        ("2026-11-24T11:59:54Z", Err(TokenError::NotYetValid)),
        ("2026-11-24T11:59:55Z", Ok(())),
        ("2026-11-24T12:15:00Z", Ok(())),
        ("2026-11-24T12:15:04Z", Ok(())),
        ("2026-11-24T12:15:05Z", Err(TokenError::Expired)),
        ("2030-01-01T00:00:00Z", Err(TokenError::Expired)),
    ];
    for (at, expected) in cases {
        clock.set(at.parse().unwrap());
        assert_eq!(tokens.verify(&token).map(drop), expected, "{at}");
    }
}

#[test]
fn only_our_own_header_and_key_are_accepted() {
    let (key, clock) = (TokenKey::generate(), at_noon());
    let ours = tokens(&key, &clock);
    let token = ours.issue("customer/1", &Scopes::none()).token;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, body) = signed.split_once('.').unwrap();
    let foreign = tokens(&TokenKey::generate(), &clock).issue("customer/1", &Scopes::none()).token;
    let foreign_signature = foreign.rsplit_once('.').unwrap().1;
    let none = encode(r#"{"alg":"none","typ":"JWT"}"#);
    let hmac = encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let cases = [
        (String::new(), TokenError::Malformed),
        ("..".into(), TokenError::Malformed),
        ("a.b.c".into(), TokenError::Malformed),
        (format!("{header}.{body}"), TokenError::Malformed),
        (format!("{header}.{body}."), TokenError::Malformed),
        (format!("{header}.{body}.{signature}="), TokenError::Malformed),
        (format!("{token}.{signature}"), TokenError::WrongSignature),
        (format!("{none}.{body}."), TokenError::UnknownKey),
        (format!("{none}.{body}.{signature}"), TokenError::UnknownKey),
        (format!("{hmac}.{body}.{signature}"), TokenError::UnknownKey),
        (foreign.clone(), TokenError::UnknownKey),
        (format!("{header}.{body}.{foreign_signature}"), TokenError::WrongSignature),
        (format!("{header}.{}.{signature}", encode(r#"{"sub":"operator/1"}"#)), TokenError::WrongSignature),
        ("x".repeat(100_000), TokenError::Malformed),
    ];
    for (text, expected) in cases {
        let shown: String = text.chars().take(40).collect();
        assert_eq!(ours.verify(&text), Err(expected), "{shown}");
    }
    assert!(ours.verify(&token).is_ok());
}

#[test]
fn a_token_for_somebody_else_is_not_for_us() {
    let (key, clock) = (TokenKey::generate(), at_noon());
    let ids = || Ids::seeded(clock.clone(), 1);
    let other_audience =
        TokenOptions { audience: "https://other.example".into(), ..TokenOptions::new(ISSUER) };
    for options in [TokenOptions::new("https://other.example"), other_audience] {
        let other = AccessTokens::new(key.clone(), options, clock.clone(), ids());
        let token = other.issue("customer/1", &Scopes::none()).token;
        assert_eq!(tokens(&key, &clock).verify(&token), Err(TokenError::NotForUs));
    }
}

#[test]
fn while_the_key_is_being_changed_tokens_of_both_hold() {
    let (old, new, clock) = (TokenKey::generate(), TokenKey::generate(), at_noon());
    let issued_before = tokens(&old, &clock).issue("customer/1", &Scopes::none()).token;
    let ids = Ids::seeded(clock.clone(), 2);
    let both = AccessTokens::accepting(
        new.clone(),
        &[old.verifying()],
        TokenOptions::new(ISSUER),
        clock.clone(),
        ids,
    );
    assert!(both.verify(&issued_before).is_ok());
    let issued_now = both.issue("customer/1", &Scopes::none()).token;
    assert!(tokens(&new, &clock).verify(&issued_now).is_ok());
    assert_eq!(tokens(&old, &clock).verify(&issued_now), Err(TokenError::UnknownKey));
    let published = both.jwks();
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);
    assert!(published.to_string().matches("\"x\"").count() == 2 && !published.to_string().contains("\"d\""));
}

#[test]
fn a_key_that_was_rotated_by_another_process_holds_until_its_last_token_ended() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), at_noon());
    let path = &directory.path().join("tokens.pem");
    let process = || {
        let ids = Ids::seeded(clock.clone(), 3);
        AccessTokens::open(path, TokenOptions::new(ISSUER), clock.clone(), ids).unwrap()
    };
    let (a, b) = (process(), process());
    let keep = AccessTokens::outlast(&TokenOptions::new(ISSUER));
    let before = a.issue("customer/1", &Scopes::none()).token;
    assert!(b.verify(&before).is_ok());
    clock.advance(SignedDuration::from_secs(2));
    KeyRing::rotate(path, clock.now(), keep).unwrap();
    let after = a.issue("customer/1", &Scopes::none()).token;
    assert_ne!(after.split('.').next(), before.split('.').next(), "it signs with the new key");
    assert!(b.verify(&after).is_ok(), "the other process looks at the files when it meets a new key");
    assert!(a.verify(&before).is_ok() && b.verify(&before).is_ok());
    assert_eq!(a.jwks(), b.jwks());
    assert_eq!(a.jwks()["keys"].as_array().unwrap().len(), 2);

    clock.advance(keep);
    assert_eq!(a.jwks()["keys"].as_array().unwrap().len(), 1, "by now its last token has ended");
    assert_eq!(b.verify(&before), Err(TokenError::UnknownKey));
    KeyRing::rotate(path, clock.now(), keep).unwrap();
    let ring = KeyRing::open(path).unwrap();
    assert_eq!(ring.former.len(), 1, "what is over is not kept: {ring:?}");
    let names = std::fs::read_dir(directory.path()).unwrap().map(|f| f.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["tokens-former.json", "tokens.lock", "tokens.pem"]);
    let former = std::fs::read_to_string(directory.path().join("tokens-former.json")).unwrap();
    assert!(!former.contains("PRIVATE"));
}

#[test]
fn of_many_who_rotate_together_no_key_is_lost() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), at_noon());
    let path = &directory.path().join("tokens.pem");
    KeyRing::open(path).unwrap();
    let keep = SignedDuration::from_mins(15);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| KeyRing::rotate(path, clock.now(), keep).unwrap());
        }
    });
    let ring = KeyRing::open(path).unwrap();
    let keys: std::collections::HashSet<_> = ring.former.iter().map(|f| f.key.to_bytes()).collect();
    assert_eq!((ring.former.len(), keys.len()), (8, 8));
}

#[test]
fn a_shorter_life_can_be_chosen() {
    let (key, clock) = (TokenKey::generate(), at_noon());
    let options = TokenOptions { lifetime: SignedDuration::from_secs(60), ..TokenOptions::new(ISSUER) };
    let tokens = AccessTokens::new(key, options, clock.clone(), Ids::seeded(clock.clone(), 1));
    let token = tokens.issue("a", &Scopes::none()).token;
    clock.advance(SignedDuration::from_secs(66));
    assert_eq!(tokens.verify(&token), Err(TokenError::Expired));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_token_goes_unnoticed(place in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.=-]") {
        let (key, clock) = (TokenKey::generate(), at_noon());
        let tokens = tokens(&key, &clock);
        let token = tokens.issue("customer/1", &Scopes::from_iter(["a:b"])).token;
        let at = place.index(token.len());
        let altered = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assert!(altered == token || tokens.verify(&altered).is_err());
    }

    #[test]
    fn no_text_at_all_makes_verification_panic(text in ".{0,300}") {
        let (key, clock) = (TokenKey::generate(), at_noon());
        prop_assert!(tokens(&key, &clock).verify(&text).is_err());
    }
}
