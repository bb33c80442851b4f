//! Files that are not as they were written: what a crash leaves is mended, what is damaged is told.

mod support;

use emporia_event_log::{Log, LogError, Options, Sequence};
use std::{
    fs,
    path::{Path, PathBuf},
};
use support::*;
use tempfile::TempDir;

/// A log of events 1 to `count`, each in a write of its own.
async fn written(count: u64, options: Options) -> TempDir {
    let directory = TempDir::new().expect("a temporary directory");
    let log = Log::open(directory.path(), options).expect("opens");
    for number in 1..=count {
        log.append(events([number]), second(0)).await.expect("appends");
    }
    directory
}

fn only_file(directory: &Path) -> PathBuf {
    let files = segment_files(directory);
    assert_eq!(files.len(), 1);
    files[0].clone()
}

/// What opening or reading everything says; the damage and where it is.
fn damage(directory: &Path) -> (PathBuf, u64) {
    let told = Log::open(directory, small_segments()).and_then(|log| all(&log, Sequence::ZERO));
    match told {
        Err(LogError::Damaged { file, offset, .. }) => (file, offset),
        other => panic!("the damage was not told: {other:?}"),
    }
}

#[tokio::test]
async fn a_write_that_was_cut_off_anywhere_is_removed_and_can_be_done_again() {
    let directory = written(4, Options::default()).await;
    let file = only_file(directory.path());
    let before = fs::read(&file).expect("reads");
    let log = Log::open(directory.path(), Options::default()).expect("opens");
    log.append(events([5]), second(0)).await.expect("appends");
    drop(log);
    let whole = fs::read(&file).expect("reads");
    for length in before.len()..whole.len() {
        // Cut off, and as long as it was to be but not written to the end.
        for zeros in [0, whole.len() - length] {
            let mut torn = whole[..length].to_vec();
            torn.resize(length + zeros, 0);
            fs::write(&file, &torn).expect("writes");
            let log = Log::open(directory.path(), Options::default()).expect("opens");
            assert_eq!(sequences(&all(&log, Sequence::ZERO).expect("reads")), 1..=4, "{length} and {zeros}");
            assert_eq!(fs::metadata(&file).expect("is there").len(), before.len() as u64);
            assert_eq!(numbers(&log.append(events([6]), second(0)).await.expect("appends")), [5]);
            assert_eq!(all(&log, Sequence::new(4)).expect("reads")[0].event, event(6));
        }
    }
}

#[tokio::test]
async fn of_a_write_whose_beginning_is_missing_nothing_is_kept() {
    let directory = written(4, Options::default()).await;
    let file = only_file(directory.path());
    let before = fs::read(&file).expect("reads").len();
    let log = Log::open(directory.path(), Options::default()).expect("opens");
    log.append(events(5..=9), second(0)).await.expect("appends");
    drop(log);
    let mut torn = fs::read(&file).expect("reads");
    torn[before..before + 40].fill(0);
    fs::write(&file, torn).expect("writes");
    let log = Log::open(directory.path(), Options::default()).expect("opens");
    assert_eq!(sequences(&all(&log, Sequence::ZERO).expect("reads")), 1..=4);
}

#[tokio::test]
async fn a_damaged_byte_before_a_later_write_is_told_and_nothing_removed() {
    let directory = written(4, Options::default()).await;
    let file = only_file(directory.path());
    let whole = fs::read(&file).expect("reads");
    let mut starts = vec![28];
    while let [.., last] = starts[..] {
        let length =
            whole.get(last..last + 4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four")));
        let Some(length) = length else { break };
        starts.push(last + 8 + length as usize);
    }
    // The last record is a write that may have been cut off.
    for at in 28..starts[3] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&file, &damaged).expect("writes");
        let start = starts.iter().rfind(|start| **start <= at).expect("the first does");
        assert_eq!(damage(directory.path()), (file.clone(), *start as u64), "byte {at}");
        assert_eq!(fs::read(&file).expect("reads"), damaged);
    }
}

#[tokio::test]
async fn damage_in_a_sealed_segment_is_told_with_file_and_place() {
    for with_index in [true, false] {
        let directory = written(40, small_segments()).await;
        let file = segment_files(directory.path())[1].clone();
        let whole = fs::read(&file).expect("reads");
        if !with_index {
            fs::remove_file(file.with_extension("index")).expect("there is one");
        }
        let mut flipped = whole.clone();
        flipped[60] ^= 1;
        fs::write(&file, &flipped).expect("writes");
        assert_eq!(damage(directory.path()), (file.clone(), 28));
        fs::write(&file, &whole[..whole.len() - 1]).expect("writes");
        let (told, offset) = damage(directory.path());
        assert!(told == file && offset > 28 && offset < whole.len() as u64, "{offset}");
        fs::write(&file, b"EVENTLOG\x02").expect("writes");
        assert_eq!(damage(directory.path()), (file.clone(), 0));
        fs::remove_file(&file).expect("removes");
        let before = segment_files(directory.path())[0].clone();
        let length = fs::metadata(&before).expect("is there").len();
        assert_eq!(damage(directory.path()), (before, length), "the records of the next are missing");
    }
}

#[tokio::test]
async fn an_index_that_is_missing_or_wrong_is_made_anew() {
    let directory = written(40, small_segments()).await;
    for (place, file) in segment_files(directory.path()).iter().enumerate() {
        let index = file.with_extension("index");
        match fs::read(&index) {
            Ok(_) if place % 3 == 0 => fs::remove_file(index).expect("removes"),
            Ok(content) if place % 3 == 1 => fs::write(index, &content[..content.len() / 2]).expect("writes"),
            Ok(mut content) => {
                content[9] ^= 1;
                fs::write(index, content).expect("writes");
            }
            Err(_) => assert_eq!(place + 1, segment_files(directory.path()).len(), "only the last has none"),
        }
    }
    let log = Log::open(directory.path(), small_segments()).expect("opens");
    let records = all(&log, Sequence::ZERO).expect("reads");
    assert_eq!(records.into_iter().map(|record| record.event).collect::<Vec<_>>(), events(1..=40));
}

#[tokio::test]
async fn a_body_that_holds_records_does_not_pass_for_them() {
    let directory = written(3, Options::default()).await;
    let file = only_file(directory.path());
    let records = fs::read(&file).expect("reads")[28..].to_vec();
    let log = TempDir::new().expect("a temporary directory");
    let copy = Log::open(log.path(), Options::default()).expect("opens");
    let hostile = emporia_event_log::Event { body: records, ..event(9) };
    copy.append(vec![hostile], second(0)).await.expect("appends");
    drop(copy);
    let file = only_file(log.path());
    let mut torn = fs::read(&file).expect("reads");
    torn[30] ^= 1;
    fs::write(&file, torn).expect("writes");
    // The only record was cut off; those in its body are of another segment and are not taken for later writes.
    let copy = Log::open(log.path(), Options::default()).expect("opens");
    assert_eq!(*copy.watch().borrow(), Sequence::ZERO);
}
