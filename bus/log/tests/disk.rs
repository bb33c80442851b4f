//! A full disk and a failing one: appends fail with a word, nothing acknowledged is lost, and the log goes on.
#![cfg(target_os = "linux")]

mod support;

use emporia_event_log::{Event, Log, LogError, Options, Sequence};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use support::*;
use tempfile::TempDir;

/// A small file system in memory; unmounted when the value is dropped.
struct Mount {
    point: TempDir,
}

impl Mount {
    /// None if this process may not mount and none is demanded.
    fn small() -> Option<Self> {
        let point = TempDir::new().expect("a temporary directory");
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(point.path()).output();
        if done.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Self { point });
        }
        skip(&format!("this process may not mount: {done:?}"));
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // What is still in use is let go of when its last user ends.
        let _ = Command::new("umount").arg("-l").arg(self.point.path()).output();
    }
}

fn skip(why: &str) {
    let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "{why}");
    eprintln!("skipped: {why}");
}

fn big(number: u64) -> Vec<Event> {
    vec![Event { body: vec![b'x'; 50_000], ..event(number) }]
}

#[tokio::test]
async fn a_full_disk_is_reported_and_survived() {
    let Some(disk) = Mount::small() else { return };
    // Once with room for the record only in part, once without room for a new segment.
    for (name, segment_bytes) in [("one", 64 << 20), ("many", 100_000)] {
        let directory = disk.point.path().join(name);
        let ballast = disk.point.path().join("ballast");
        fs::write(&ballast, vec![0_u8; 2_000_000]).expect("there is room");
        let options = Options { segment_bytes, ..Options::default() };
        let log = Log::open(&directory, options.clone()).expect("opens");
        let mut appended = 0;
        let full = loop {
            match log.append(big(appended), second(0)).await {
                Ok(sequences) => {
                    appended += 1;
                    assert_eq!(numbers(&sequences), [appended]);
                }
                Err(error) => break error,
            }
        };
        assert!(matches!(full, LogError::Full { .. }), "{full}");
        assert!(appended > 10, "the disk took something: {appended}");
        let again = log.append(big(appended), second(0)).await;
        assert!(matches!(again, Err(LogError::Full { .. })), "{again:?}");
        assert_eq!(sequences(&all(&log, Sequence::ZERO).expect("reads")), 1..=appended);

        fs::remove_file(&ballast).expect("removes");
        let sequence = log.append(big(appended), second(0)).await.expect("goes on when there is room again");
        assert_eq!(numbers(&sequence), [appended + 1]);
        drop(log);
        let log = Log::open(&directory, options).expect("opens again");
        let records = all(&log, Sequence::ZERO).expect("reads");
        assert_eq!(sequences(&records), 1..=appended + 1);
        assert!(records.iter().zip(0..).all(|(record, number)| record.event == big(number)[0]));
        drop(log);
        fs::remove_dir_all(&directory).expect("makes room");
    }
}

/// A library that lets syncs fail while a file is there; none if this machine has no C compiler.
fn failing_syncs(directory: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disk/failing_syncs.c");
    let built = directory.join("failing_syncs.so");
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&built).arg(source).arg("-ldl").status();
    if compiled.is_ok_and(|status| status.success()) {
        return Some(built);
    }
    skip("there is no C compiler");
    None
}

/// Not a test: the process of the test below, whose syncs fail while its file `fail` is there.
#[tokio::test]
#[ignore = "runs as a child process only"]
async fn process_with_failing_syncs() {
    let Some(fail) = std::env::var_os("FAILING_SYNCS").map(PathBuf::from) else { return };
    let directory = fail.with_file_name("log");
    let log = Log::open(&directory, Options::default()).expect("opens");
    fs::write(&fail, "").expect("writes");
    let failed = log.append(events([9]), second(0)).await;
    assert!(matches!(failed, Err(LogError::Io { .. })), "{failed:?}");
    fs::remove_file(&fail).expect("removes");
    assert_eq!(numbers(&log.append(events([1, 2]), second(0)).await.expect("appends")), [1, 2]);
    let files = segment_files(&directory);
    assert_eq!(files.len(), 1, "a segment that never had a record is begun anew under its name");
    assert_eq!(log.bytes(), fs::metadata(&files[0]).expect("is there").len(), "and counts once");
    fs::write(&fail, "").expect("writes");
    for _ in 0..3 {
        let failed = log.append(events([3, 4, 5]), second(0)).await;
        assert!(matches!(failed, Err(LogError::Io { .. })), "{failed:?}");
        assert_eq!(sequences(&all(&log, Sequence::ZERO).expect("reads")), 1..=2, "what failed is not read");
    }
    fs::remove_file(&fail).expect("removes");
    assert_eq!(segment_files(&directory).len(), 1);
    assert_eq!(numbers(&log.append(events([5]), second(0)).await.expect("appends")), [3]);
    assert_eq!(segment_files(&directory).len(), 2, "the file whose sync failed is not written to again");
    drop(log);
    let log = Log::open(&directory, Options::default()).expect("opens again");
    let records = all(&log, Sequence::ZERO).expect("reads");
    assert_eq!(sequences(&records), 1..=3);
    assert_eq!(records.into_iter().map(|record| record.event).collect::<Vec<_>>(), events([1, 2, 5]));
    eprintln!("done");
}

#[test]
fn after_a_failed_sync_a_new_segment_is_begun_and_nothing_acknowledged_lost() {
    let directory = TempDir::new().expect("a temporary directory");
    let Some(library) = failing_syncs(directory.path()) else { return };
    let output = Command::new(std::env::current_exe().expect("this binary has a path"))
        .args(["--ignored", "--exact", "process_with_failing_syncs", "--nocapture"])
        .env("LD_PRELOAD", library)
        .env("FAILING_SYNCS", directory.path().join("fail"))
        .output()
        .expect("the process starts");
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("done"), "{told}");
}
