//! Packages of npm for tests: installed once into the build directory, and used from there.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A directory with these packages, to put scripts into; `None` if there is no npm, or no registry, and none is demanded.
pub fn with(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm").join(name);
    std::fs::create_dir_all(&place).unwrap();
    // Tests run at the same time, each in a process of its own.
    let lock = File::create(place.join("lock")).unwrap();
    lock.lock().unwrap();
    let (wanted, marker) = (packages.join("\n"), place.join("installed"));
    if std::fs::read_to_string(&marker).is_ok_and(|there| there == wanted) {
        return Some(place);
    }
    std::fs::write(place.join("package.json"), r#"{"type": "module", "private": true}"#).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent"]).args(packages).current_dir(&place);
    let done = npm.stdout(Stdio::null()).status();
    if matches!(&done, Ok(status) if status.success()) {
        std::fs::write(&marker, wanted).unwrap();
        return Some(place);
    }
    let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "npm could not install {packages:?}: {done:?}");
    eprintln!("skipped: npm could not install {packages:?}: {done:?}");
    None
}

/// Puts a script beside the packages; `node` finds them from there.
pub fn script(place: &Path, name: &str, text: &str) -> PathBuf {
    let path = place.join(name);
    // Another test, in this process or another one, may be about to run the same one: it never sees a half of it.
    let mut own = tempfile::NamedTempFile::new_in(place).unwrap();
    own.write_all(text.as_bytes()).unwrap();
    own.persist(&path).unwrap();
    path
}
