//! What callers may rely on while nothing fails.

mod support;

use emporia_event_log::{Event, Log, LogError, MAX_BODY, Options, ReadLimit, Sequence};
use jiff::SignedDuration;
use std::{sync::Arc, time::Duration};
use support::*;
use tempfile::TempDir;

fn opened(options: Options) -> (TempDir, Log) {
    let directory = TempDir::new().expect("a temporary directory");
    let log = Log::open(directory.path(), options).expect("opens");
    (directory, log)
}

#[tokio::test]
async fn events_come_back_as_they_were_handed_in() {
    let (_directory, log) = opened(Options::default());
    let empty = Event {
        id: "x".into(),
        source: String::new(),
        detail_type: String::new(),
        group: Some(String::new()),
        body: vec![],
        ..event(1)
    };
    let handed_in = vec![event(1), empty, Event { body: vec![0, 255, b'\n'], ..event(2) }];
    let answer = log.append(handed_in.clone(), second(5)).await.expect("appends");
    assert_eq!(numbers(&answer), [1, 2, 3]);
    let records = log.read(Sequence::ZERO, ReadLimit::default()).expect("reads");
    assert_eq!(sequences(&records), 1..=3);
    assert!(records.iter().all(|record| record.ingest_time == second(5)));
    assert_eq!(records.into_iter().map(|record| record.event).collect::<Vec<_>>(), handed_in);
}

#[tokio::test]
async fn sequences_and_times_go_on_after_it_is_opened_again() {
    let (directory, log) = opened(small_segments());
    assert_eq!(numbers(&log.append(events(0..100), second(9)).await.expect("appends")).last(), Some(&100));
    drop(log);
    let log = Log::open(directory.path(), small_segments()).expect("opens again");
    assert_eq!(*log.watch().borrow(), Sequence::new(100));
    // A clock that went back does not make times go back.
    assert_eq!(numbers(&log.append(events(100..103), second(3)).await.expect("appends")), [101, 102, 103]);
    let records = all(&log, Sequence::ZERO).expect("reads");
    assert_eq!(sequences(&records), 1..=103);
    assert!(records.iter().all(|record| record.ingest_time == second(9)));
}

#[tokio::test]
async fn readings_end_at_their_limit_and_go_on_from_there() {
    let (directory, log) = opened(small_segments());
    for number in 0..40 {
        log.append(events([number]), second(0)).await.expect("appends");
    }
    assert!(segment_files(directory.path()).len() > 4, "several segments");
    let read = |after, records, bytes| {
        let records = log.read(Sequence::new(after), ReadLimit { records, bytes }).expect("reads");
        sequences(&records)
    };
    assert_eq!(read(0, 3, usize::MAX), 1..=3);
    assert_eq!(read(3, 30, usize::MAX), 4..=33);
    assert_eq!(read(33, 30, usize::MAX), 34..=40);
    assert_eq!(read(5, 30, 1), 6..=6, "one there always is");
    let some = read(5, 30, 1_000);
    assert!((3..10).contains(&some.count()), "as many as there is room for");
    assert!(log.read(Sequence::new(40), ReadLimit::default()).expect("reads").is_empty());
    let ahead = log.read(Sequence::new(41), ReadLimit::default());
    assert!(matches!(ahead, Err(LogError::Ahead { head, .. }) if head.get() == 40), "{ahead:?}");
}

#[tokio::test]
async fn a_time_leads_to_the_first_record_that_came_in_then() {
    let (directory, log) = opened(small_segments());
    for number in 0..50 {
        // Pairs share a time.
        log.append(events([number]), second(10 * (number as i64 / 2))).await.expect("appends");
    }
    let check = |log: &Log| {
        for (time, expected) in [(-5, 0), (0, 0), (1, 2), (10, 2), (11, 4), (200, 40), (240, 48), (241, 50)] {
            // What is below a microsecond is not kept, and not asked for.
            let time = second(time) + SignedDuration::from_nanos(900);
            assert_eq!(log.seek_time(time).expect("seeks").get(), expected, "{time}");
        }
    };
    check(&log);
    drop(log);
    check(&Log::open(directory.path(), small_segments()).expect("opens again"));
}

#[tokio::test]
async fn the_head_is_told_when_records_are_there() {
    let (_directory, log) = opened(Options::default());
    let (mut watch, log) = (log.watch(), Arc::new(log));
    let appended = tokio::spawn({
        let log = Arc::clone(&log);
        async move { log.append(events(0..3), second(0)).await }
    });
    watch.changed().await.expect("the log lives");
    assert_eq!(sequences(&all(&log, Sequence::ZERO).expect("reads")), 1..=3);
    appended.await.expect("ends").expect("appends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_at_the_same_time_keep_their_events_together_while_others_read() {
    let (_directory, log) = opened(Options { segment_bytes: 20_000, ..Options::default() });
    let log = Arc::new(log);
    let clients: Vec<_> = (0..16_u64)
        .map(|client| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for round in 0..20 {
                    let first = client * 1_000 + round * 5;
                    let answer = log.append(events(first..first + 5), second(0)).await.expect("appends");
                    let start = answer[0];
                    assert_eq!(numbers(&answer), Vec::from_iter(start.get()..start.get() + 5));
                    let read = log.read(
                        Sequence::new(start.get() - 1),
                        ReadLimit { records: 5, ..ReadLimit::default() },
                    );
                    let read: Vec<_> = read.expect("reads").into_iter().map(|record| record.event).collect();
                    assert_eq!(read, events(first..first + 5), "what was answered can be read");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("does not panic");
    }
    assert_eq!(sequences(&all(&log, Sequence::ZERO).expect("reads")), 1..=1_600);
}

#[tokio::test]
async fn an_id_that_comes_again_is_answered_with_its_first_sequence() {
    let options = Options { duplicate_window: Duration::from_secs(60), ..small_segments() };
    let (directory, log) = opened(options.clone());
    assert_eq!(numbers(&log.append(events([1, 2, 1]), second(0)).await.expect("appends")), [1, 2, 1]);
    assert_eq!(numbers(&log.append(events(3..30), second(30)).await.expect("appends"))[0], 3);
    assert_eq!(numbers(&log.append(events([2, 30]), second(60)).await.expect("appends")), [2, 30]);
    drop(log);
    let log = Log::open(directory.path(), options).expect("opens again");
    assert_eq!(numbers(&log.append(events([1, 29, 31]), second(60)).await.expect("appends")), [1, 29, 31]);
    // The first two came before the window, the third did not.
    assert_eq!(numbers(&log.append(events([1, 2, 3]), second(61)).await.expect("appends")), [32, 33, 3]);
    assert_eq!(sequences(&all(&log, Sequence::ZERO).expect("reads")), 1..=33);
}

#[tokio::test]
async fn only_so_many_ids_are_remembered() {
    let options = Options { duplicate_ids: 10, ..Options::default() };
    let (directory, log) = opened(options.clone());
    log.append(events(1..=20), second(0)).await.expect("appends");
    drop(log);
    let log = Log::open(directory.path(), options).expect("opens again");
    assert_eq!(numbers(&log.append(events([11, 10]), second(0)).await.expect("appends")), [11, 21]);
}

#[tokio::test]
async fn retention_drops_whole_segments_from_the_front() {
    let options = Options { max_bytes: Some(3_000), ..small_segments() };
    let (directory, log) = opened(options.clone());
    for number in 0..100 {
        log.append(events([number]), second(0)).await.expect("appends");
    }
    let first = log.first();
    assert!((80..100).contains(&first.get()), "{first}");
    assert!(log.bytes() < 4_500, "{}", log.bytes());
    let trimmed = log.read(Sequence::ZERO, ReadLimit::default());
    assert!(matches!(trimmed, Err(LogError::Trimmed { first: told, .. }) if told == first), "{trimmed:?}");
    assert_eq!(sequences(&all(&log, Sequence::new(first.get() - 1)).expect("reads")), first.get()..=100);
    drop(log);
    let log = Log::open(directory.path(), options).expect("opens again");
    assert_eq!(log.first(), first);
    assert_eq!(log.seek_time(second(-1)).expect("seeks").get(), first.get() - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_that_retention_overtakes_hears_where_to_go_on() {
    let (_directory, log) = opened(Options { max_bytes: Some(3_000), ..small_segments() });
    let log = Arc::new(log);
    for number in 0..50 {
        log.append(events([number]), second(0)).await.expect("appends");
    }
    let reader = tokio::task::spawn_blocking({
        let log = Arc::clone(&log);
        move || {
            let (mut after, mut overtaken) = (Sequence::ZERO, 0);
            while after < Sequence::new(300) {
                match log.read(after, ReadLimit::default()) {
                    Ok(records) => {
                        let Some(last) = records.last() else { continue };
                        assert_eq!(*sequences(&records).start(), after.get() + 1);
                        after = last.sequence;
                    }
                    Err(LogError::Trimmed { first, .. }) => {
                        assert!(first.get() > after.get() + 1);
                        (after, overtaken) = (Sequence::new(first.get() - 1), overtaken + 1);
                        // As slow a reader as it takes to be overtaken again.
                        let later = Sequence::new((first.get() + 50).min(300));
                        let wait =
                            async { log.watch().wait_for(|head| *head >= later).await.map(|head| *head) };
                        tokio::runtime::Handle::current().block_on(wait).expect("the log lives");
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            overtaken
        }
    });
    for number in 50..300 {
        log.append(events([number]), second(0)).await.expect("appends");
    }
    let overtaken = reader.await.expect("does not panic");
    assert!(overtaken > 0, "the first reading at least came too late");
}

#[tokio::test]
async fn what_is_too_old_goes_and_sequences_stay() {
    let options = Options { max_age: Some(Duration::from_secs(60)), ..small_segments() };
    let (directory, log) = opened(options.clone());
    for number in 0..50 {
        log.append(events([number]), second(number as i64)).await.expect("appends");
    }
    log.retain(second(90)).await.expect("retains");
    let records = all(&log, Sequence::new(log.first().get() - 1)).expect("reads");
    let oldest = records[0].ingest_time;
    assert!(oldest > second(15) && oldest <= second(30), "no more and hardly less: {oldest}");
    log.retain(second(1_000)).await.expect("retains");
    assert_eq!(log.first(), Sequence::new(51));
    assert_eq!(segment_files(directory.path()).len(), 1);
    drop(log);
    let log = Log::open(directory.path(), options).expect("opens again");
    assert_eq!(numbers(&log.append(events([50]), second(1_001)).await.expect("appends")), [51]);
    assert_eq!(sequences(&all(&log, Sequence::new(50)).expect("reads")), 51..=51);
}

#[tokio::test]
async fn a_directory_has_one_owner() {
    let (directory, log) = opened(Options::default());
    let second = Log::open(directory.path(), Options::default());
    let pid = std::process::id().to_string();
    assert!(matches!(&second, Err(LogError::Locked { owner, .. }) if *owner == pid), "{second:?}");
    drop(log);
    Log::open(directory.path(), Options::default()).expect("it is free again");
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_nothing_of_it_written() {
    let (_directory, log) = opened(Options::default());
    let long = Event { body: vec![0; MAX_BODY + 1], ..event(2) };
    let refused = log.append(vec![event(1), long], second(0)).await.expect_err("refuses");
    assert_eq!(
        refused.to_string(),
        "event 1 of the append is refused: its body has 16777217 bytes, allowed are 0 to 16777216"
    );
    let nameless = Event { id: String::new(), ..event(1) };
    assert!(matches!(log.append(vec![nameless], second(0)).await, Err(LogError::Refused { what: "id", .. })));
    let longest = Event { body: vec![7; MAX_BODY], ..event(3) };
    assert_eq!(numbers(&log.append(vec![longest.clone()], second(0)).await.expect("appends")), [1]);
    assert_eq!(log.read(Sequence::ZERO, ReadLimit::default()).expect("reads")[0].event, longest);
}

#[tokio::test]
async fn when_too_much_waits_appends_are_refused_and_can_be_tried_again() {
    let (_directory, log) =
        opened(Options { waiting_bytes: 1, waiting_time: Duration::ZERO, ..Options::default() });
    let log = Arc::new(log);
    // One thread runs all of them before the first hears from the disk.
    let at_once = (0..50).map(|number| {
        let log = Arc::clone(&log);
        tokio::spawn(async move { log.append(events([number]), second(0)).await })
    });
    let (mut done, mut busy) = (0, 0);
    for append in at_once.collect::<Vec<_>>() {
        match append.await.expect("ends") {
            Ok(_) => done += 1,
            Err(LogError::Busy { waiting: 1, .. }) => busy += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(done > 0 && busy > 0, "{done} {busy}");
    assert_eq!(sequences(&all(&log, Sequence::ZERO).expect("reads")), 1..=done);
    log.append(events([99]), second(0)).await.expect("there is room again");
}
