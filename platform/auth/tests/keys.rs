//! The signing key and its file.

use emporia_auth::{
    AccessTokens, KeyError, KeyedHash, Scopes, TokenKey, TokenOptions, same_secret, secret_hash,
};
use emporia_id::{Ids, SystemClock};
use std::sync::Arc;

fn thumbprint(key: TokenKey) -> String {
    let clock = Arc::new(SystemClock);
    let tokens = AccessTokens::new(key, TokenOptions::new("test"), clock.clone(), Ids::random(clock));
    tokens.jwks()["keys"][0]["kid"].as_str().unwrap().to_owned()
}

#[test]
fn the_key_file_is_made_once_and_readable_by_its_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token.key");
    let first = thumbprint(TokenKey::open(&path).unwrap());
    assert_eq!(thumbprint(TokenKey::open(&path).unwrap()), first);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn all_that_start_together_get_the_same_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("token.key");
    let keys: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..16).map(|_| scope.spawn(move || thumbprint(TokenKey::open(path).unwrap()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn a_key_can_come_from_the_configuration_and_a_wrong_one_is_named() {
    // As `openssl genpkey -algorithm ed25519` writes it (RFC 8410, section 10.3).
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let key = TokenKey::from_pem(pem).unwrap();
    assert_eq!(thumbprint(TokenKey::from_pem(&key.to_pem().unwrap()).unwrap()), thumbprint(key.clone()));
    assert!(!format!("{key:?}").contains("PRIVATE"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token.key");
    for wrong in ["", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
        assert!(matches!(TokenKey::from_pem(wrong), Err(KeyError::Form)), "{wrong}");
        std::fs::write(&path, wrong).unwrap();
        assert!(
            matches!(TokenKey::open(&path), Err(KeyError::Form)),
            "a broken file is not replaced: {wrong}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), wrong);
    }
    assert!(matches!(
        TokenKey::open(&directory.path().join("no/such/token.key")),
        Err(KeyError::File { .. })
    ));
}

#[test]
fn keyed_hashes_differ_by_key_purpose_and_text_and_tell_nothing() {
    let hash = KeyedHash::new([7u8; 32]);
    let of = hash.of("mail", "ada@example.com");
    assert_eq!(of, KeyedHash::new([7u8; 32]).of("mail", "ada@example.com"));
    let others = [
        hash.of("mail", "bob@example.com"),
        hash.of("phone", "ada@example.com"),
        hash.of("maila", "da@example.com"),
        KeyedHash::new([8u8; 32]).of("mail", "ada@example.com"),
    ];
    assert!(others.iter().all(|other| *other != of && other.len() == 64));
    assert!(!format!("{hash:?}").contains('7'));
    // The published SHA-256 of "abc" (FIPS 180-2).
    assert_eq!(secret_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(
        same_secret("a", "a") && !same_secret("a", "b") && !same_secret("a", "aa") && !same_secret("", "a")
    );
}

#[test]
fn scopes_are_a_set_that_a_token_carries_as_one_text() {
    let (more, less) = (Scopes::parse("notes:write notes:read"), Scopes::parse("notes:read"));
    assert!(more.covers(&less) && !less.covers(&more));
    assert_eq!(Scopes::parse(&more.to_string()), more);
    assert!(more.has("notes:write") && !more.has("notes") && Scopes::none().is_empty());
}
