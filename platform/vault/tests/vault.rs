use emporia_vault::{MasterKey, Sealed, Vault, VaultError};
use jiff::Timestamp;

fn vault(dir: &tempfile::TempDir, master: &MasterKey) -> Vault {
    Vault::open(&dir.path().join("keys.db"), master).unwrap()
}

#[test]
fn what_is_sealed_opens_after_a_restart_and_not_after_erasure() {
    let (dir, master) = (tempfile::tempdir().unwrap(), MasterKey::generate());
    let (person, other, sealed) = {
        let vault = vault(&dir, &master);
        let person = vault.new_person().unwrap();
        (person, vault.new_person().unwrap(), vault.seal(person, &vec!["Ada", "London"]).unwrap())
    };
    let vault = vault(&dir, &master);
    assert_eq!(vault.unseal::<Vec<String>>(&sealed).unwrap().unwrap(), ["Ada", "London"]);
    vault.destroy(person, Timestamp::UNIX_EPOCH).unwrap();
    vault.destroy(person, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(vault.unseal::<Vec<String>>(&sealed).unwrap(), None);
    assert!(matches!(vault.seal(person, &"again"), Err(VaultError::NoKey(p)) if p == person));
    assert!(vault.seal(other, &"still").is_ok());
    assert_eq!(vault.erasures().unwrap(), [(person, Timestamp::UNIX_EPOCH)]);
}

#[test]
fn a_key_that_one_process_destroys_is_gone_in_another_within_a_second() {
    let (dir, master) = (tempfile::tempdir().unwrap(), MasterKey::generate());
    let (one, other) = (vault(&dir, &master), vault(&dir, &master));
    let person = one.new_person().unwrap();
    let sealed = one.seal(person, &"Ada").unwrap();
    assert_eq!(other.unseal::<String>(&sealed).unwrap().as_deref(), Some("Ada"));
    let begun = std::time::Instant::now();
    one.destroy(person, Timestamp::UNIX_EPOCH).unwrap();
    while other.unseal::<String>(&sealed).unwrap().is_some() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(2), "it is still known");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn the_bytes_of_a_destroyed_key_are_gone_from_every_file() {
    let (dir, master) = (tempfile::tempdir().unwrap(), MasterKey::generate());
    let vault = vault(&dir, &master);
    let person = vault.new_person().unwrap();
    let row = |when: &str| {
        let all: Vec<u8> = std::fs::read_dir(dir.path())
            .unwrap()
            .flat_map(|f| std::fs::read(f.unwrap().path()).unwrap())
            .collect();
        let needle = person.uuid().as_bytes().to_vec();
        (when.to_owned(), all.windows(16).filter(|w| *w == needle).count())
    };
    // The id stands before its wrapped key in the row; afterwards only in the list of erasures.
    assert_eq!(row("before").1, 1);
    let wrapped: Vec<u8> = rusqlite::Connection::open(dir.path().join("keys.db"))
        .unwrap()
        .query_row("select wrapped from keys where person = ?", [person.uuid().as_bytes()], |r| r.get(0))
        .unwrap();
    vault.destroy(person, Timestamp::UNIX_EPOCH).unwrap();
    let all: Vec<u8> = std::fs::read(dir.path().join("keys.db")).unwrap();
    assert!(!all.windows(wrapped.len()).any(|w| w == wrapped));
}

#[test]
fn sealed_values_cannot_be_altered_or_moved_to_another_person() {
    let (dir, master) = (tempfile::tempdir().unwrap(), MasterKey::generate());
    let vault = vault(&dir, &master);
    let (ada, bob) = (vault.new_person().unwrap(), vault.new_person().unwrap());
    let sealed = vault.seal(ada, &"secret").unwrap();
    assert!(!sealed.data.contains("secret") && !format!("{sealed:?}").contains(&sealed.data));
    let moved = Sealed { person: bob, ..sealed.clone() };
    assert!(matches!(vault.unseal::<String>(&moved), Err(VaultError::Altered(_))));
    for bad in [
        "",
        "AAAA",
        "not base 64!",
        &sealed.data[1..],
        &format!("{}A", &sealed.data[..sealed.data.len() - 1]),
    ] {
        let altered = Sealed { data: bad.to_owned(), ..sealed.clone() };
        assert!(
            altered == sealed || matches!(vault.unseal::<String>(&altered), Err(VaultError::Altered(_))),
            "{bad}"
        );
    }
}

#[test]
fn another_master_key_is_refused_with_a_clear_word() {
    let (dir, master) = (tempfile::tempdir().unwrap(), MasterKey::generate());
    drop(vault(&dir, &master));
    let error = Vault::open(&dir.path().join("keys.db"), &MasterKey::generate()).unwrap_err();
    assert!(error.to_string().contains("master key"));
    let again = MasterKey::from_base64(&master.to_base64()).unwrap();
    assert!(Vault::open(&dir.path().join("keys.db"), &again).is_ok());
    assert!(MasterKey::from_base64("c2hvcnQ=").is_err());
}

#[test]
fn a_backup_opens_what_the_original_opens() {
    let (dir, master) = (tempfile::tempdir().unwrap(), MasterKey::generate());
    let original = vault(&dir, &master);
    let person = original.new_person().unwrap();
    let sealed = original.seal(person, &7).unwrap();
    let copy = dir.path().join("copy.db");
    emporia_vault::backup(&dir.path().join("keys.db"), &copy).unwrap();
    let copy = Vault::open(&copy, &master).unwrap();
    assert_eq!(copy.unseal::<i32>(&sealed).unwrap(), Some(7));
}
