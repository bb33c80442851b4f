//! The machine loses its power: only what was synced is left, and of the rest anything or nothing. What was
//! acknowledged is there all the same, because an acknowledgement follows the sync.
#![cfg(target_os = "linux")]

mod ledger;

use emporia_store_sqlite::{Durability, Layout};
use ledger::{Writer, block_on, check, open_ledger, write_until_killed};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Not a test: the child process of the tests below.
#[test]
#[ignore = "runs as a child process only"]
fn writer_process() {
    let Some(directory) = std::env::var_os("LEDGER_DIRECTORY") else { return };
    let careless = std::env::var_os("LEDGER_CARELESS").is_some();
    let durability = if careless { Durability::None } else { Durability::Full };
    block_on(write_until_killed(&PathBuf::from(directory), durability));
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let Some(shim) = Shim::build() else { return };
    let seed = rand::rng().random();
    let mut random = StdRng::seed_from_u64(seed);
    let mut restarts = 0;
    for round in 0..6 {
        let (image, acknowledged) =
            shim.cut_power(&mut restarts, &mut random, Durability::Full, Unsynced::Anything, 1_500);
        for (client, count) in image.iter().enumerate() {
            let least = acknowledged[client];
            assert!(
                *count >= least,
                "round {round} of seed {seed}: client {client} has {count}, not {least}"
            );
        }
    }
    assert!(restarts > 0, "checkpoints and new beginnings of the log were among what was cut off");
}

#[test]
fn the_shim_finds_out_who_does_not_sync() {
    let Some(shim) = Shim::build() else { return };
    let mut random = StdRng::seed_from_u64(1);
    let (image, acknowledged) = shim.cut_power(&mut 0, &mut random, Durability::None, Unsynced::Nothing, 300);
    let lost = image.iter().zip(&acknowledged).any(|(count, least)| count < least);
    assert!(lost, "without syncs acknowledged transfers are lost: {image:?} {acknowledged:?}");
}

struct Shim {
    built: TempDir,
}

impl Shim {
    /// Compiles the shim; none if there is no C compiler and none is demanded.
    fn build() -> Option<Self> {
        let built = TempDir::new().expect("a temporary directory");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/journal.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(built.path().join("journal.so"))
            .arg(source)
            .args(["-ldl", "-lpthread"])
            .status();
        match compiled {
            Ok(status) if status.success() => Some(Self { built }),
            other => {
                let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|what| what == "all");
                assert!(!required, "the shim cannot be compiled: {other:?}");
                eprintln!("skipped: the shim cannot be compiled: {other:?}");
                None
            }
        }
    }

    /// Lets a writer work, kills it, and opens what a disk without power would hold. Answers the transfers found and
    /// those acknowledged.
    fn cut_power(
        &self,
        restarts: &mut usize,
        random: &mut StdRng,
        durability: Durability,
        unsynced: Unsynced,
        most: usize,
    ) -> (Vec<u64>, Vec<u64>) {
        let work = TempDir::new().expect("a temporary directory");
        let (data, before) = (work.path().join("data"), work.path().join("before"));
        block_on(async { open_ledger(&data, Layout::Shared, Durability::Full).await.close().await });
        copy_files(&data, &before);
        let journal = work.path().join("journal");
        let mut writer = Writer::start(&data, |command| {
            command.env("LD_PRELOAD", self.built.path().join("journal.so"));
            command.env("POWER_DIRECTORY", &data).env("POWER_JOURNAL", &journal);
            if durability == Durability::None {
                command.env("LEDGER_CARELESS", "1");
            }
        });
        writer.wait_for(random.random_range(most / 3..most));
        writer.kill();
        let image = work.path().join("image");
        let journal = fs::read(&journal).expect("the shim wrote its journal");
        *restarts += replay(&journal, &before, &image, unsynced, random);
        let counts = block_on(async {
            let store = open_ledger(&image, Layout::Shared, Durability::Full).await;
            let counts = check(&store).await;
            store.close().await;
            counts
        });
        (counts, writer.acknowledged.clone())
    }
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes a directory");
    for entry in fs::read_dir(from).expect("reads").flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copies");
    }
}

enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Truncate { len } => file.resize(*len, 0),
            Self::Write { at, bytes } => {
                file.resize(file.len().max(at + bytes.len()), 0);
                file[*at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

/// What a disk without power holds of changes that no sync covers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unsynced {
    Nothing,
    /// A random selection, some of it torn in the middle of a page.
    Anything,
}

/// Makes the files that a disk may hold: everything that a completed sync covers, and what `unsynced` says of the
/// rest. Answers how often the write-ahead log began anew.
fn replay(journal: &[u8], before: &Path, image: &Path, unsynced: Unsynced, random: &mut StdRng) -> usize {
    let mut changes: BTreeMap<String, Vec<(u64, Change)>> = BTreeMap::new();
    let mut synced: BTreeMap<String, u64> = BTreeMap::new();
    let mut rest = journal;
    while let Some((op, path, record)) = read_record(&mut rest, journal.len()) {
        let name = Path::new(&path).file_name().expect("a file").to_string_lossy().into_owned();
        match op {
            b'S' => {
                let covered = synced.entry(name).or_default();
                *covered = (*covered).max(record.offset);
            }
            b'W' => {
                let change = Change::Write { at: record.offset as usize, bytes: record.bytes };
                changes.entry(name).or_default().push((record.position, change));
            }
            b'T' => {
                let change = Change::Truncate { len: record.offset as usize };
                changes.entry(name).or_default().push((record.position, change));
            }
            other => panic!("unknown operation {other}"),
        }
    }
    let headers = changes.get("commerce.db-wal").into_iter().flatten();
    let headers = headers.filter(|(_, change)| matches!(change, Change::Write { at: 0, .. })).count();
    copy_files(before, image);
    for (name, changes) in changes {
        // Shared memory is no part of what a disk keeps.
        if name.ends_with("-shm") {
            continue;
        }
        let path = image.join(&name);
        let mut file = fs::read(&path).unwrap_or_default();
        let covered = synced.get(&name).copied().unwrap_or(0);
        for (position, mut change) in changes {
            if position >= covered {
                if unsynced == Unsynced::Nothing {
                    continue;
                }
                match random.random_range(0..4) {
                    0 => {}
                    1 => {
                        if let Change::Write { bytes, .. } = &mut change {
                            bytes.truncate(random.random_range(0..=bytes.len()) / 512 * 512);
                        }
                    }
                    _ => continue,
                }
            }
            change.apply(&mut file);
        }
        fs::write(&path, file).expect("writes the image");
    }
    headers.saturating_sub(1)
}

struct Record {
    position: u64,
    offset: u64,
    bytes: Vec<u8>,
}

/// The next record; none at the end, where the kill may have cut one off.
fn read_record(rest: &mut &[u8], len: usize) -> Option<(u8, String, Record)> {
    let position = (len - rest.len()) as u64;
    let take = |rest: &mut &[u8], many: usize| -> Option<Vec<u8>> {
        let (part, tail) = rest.split_at_checked(many)?;
        *rest = tail;
        Some(part.to_vec())
    };
    let number = |rest: &mut &[u8]| {
        let bytes: [u8; 8] = take(rest, 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    };
    let op = take(rest, 1)?[0];
    let path_len: [u8; 4] = take(rest, 4)?.try_into().ok()?;
    let path = String::from_utf8(take(rest, u32::from_le_bytes(path_len) as usize)?).ok()?;
    let (offset, many) = (number(rest)?, number(rest)?);
    let bytes = take(rest, many as usize)?;
    Some((op, path, Record { position, offset, bytes }))
}
