//! `emporia import online-retail`: what it refuses, that it can be repeated and taken up again, and what is in the file.

mod process;

use emporia::import::online_retail::{Class, read, rows};
use emporia_events::Position;
use emporia_store_sqlite::SqliteOptions;
use process::{Process, emporia, run, text};
use rust_decimal::Decimal;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// A shop's history of so many days: sales, charges, returns, discounts, losses, a bad debt, all kinds of rows.
fn history(days: u32, invoices: u32) -> String {
    let mut csv = HEADER.to_owned();
    let mut number = 500_000;
    for day in 1..=days {
        let date = format!("2011-{:02}-{:02}", 1 + (day - 1) / 28, 1 + (day - 1) % 28);
        for n in 0..invoices {
            number += 1;
            let customer = if n % 5 == 4 { String::new() } else { format!("{}", 17_000 + n % 7) };
            let (article, units) = (n % 11, 1 + n % 4);
            writeln!(csv, "{number},A{article:03},CANDLE {article},{units},{date} 10:{:02}:00,{}.{:02},{customer},United Kingdom", n % 60, 1 + article, n % 100).unwrap();
            writeln!(csv, "{number},B{article:03},\"HOLDER, SMALL\",2,{date} 10:{:02}:00,0.85,{customer},United Kingdom", n % 60).unwrap();
            match n % 8 {
                0 => writeln!(csv, "{number},POST,POSTAGE,1,{date} 10:{:02}:00,18.00,{customer},France", n % 60).unwrap(),
                1 => writeln!(csv, "{number},C001,GIFT,1,{date} 10:{:02}:00,0,{customer},EIRE", n % 60).unwrap(),
                2 => writeln!(csv, "C{number},A{article:03},CANDLE {article},-1,{date} 15:{:02}:00,{}.{:02},{customer},United Kingdom", n % 60, 1 + article, n % 100).unwrap(),
                3 => writeln!(csv, "C{number},D,Discount,-1,{date} 15:{:02}:00,4.20,{customer},United Kingdom", n % 60).unwrap(),
                4 => writeln!(csv, "W{number},B{article:03},damaged,-1,{date} 16:{:02}:00,0,,United Kingdom", n % 60).unwrap(),
                5 => writeln!(csv, "C{number},M,Manual,-1,{date} 15:{:02}:00,1.25,{customer},Unspecified", n % 60).unwrap(),
                6 => writeln!(csv, "{number},gift_0001_20,Voucher,1,{date} 10:{:02}:00,16.67,{customer},Germany", n % 60).unwrap(),
                _ => writeln!(csv, "{number},D001,TINY,10,{date} 10:{:02}:00,0.001,{customer},United Kingdom", n % 60).unwrap(),
            }
        }
    }
    writeln!(csv, "A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom").unwrap();
    csv
}

/// The report of a whole run, and how many orders it made and knew; without the time that it took.
fn report(stdout: &str) -> (String, u64, u64) {
    let line = stdout.lines().find(|line| line.contains("orders made")).unwrap_or_else(|| panic!("{stdout}"));
    let number = |before: &str| {
        line.split(before).next().unwrap().rsplit(' ').find(|w| !w.is_empty()).unwrap().parse().unwrap()
    };
    let (made, known) = (number(" orders made"), number(" known before"));
    let rest = stdout
        .lines()
        .filter(|l| !l.starts_with("Done in"))
        .map(|l| l.replace(&format!("{made} orders made, {known} known before"), "orders"));
    (rest.collect::<Vec<_>>().join("\n"), made, known)
}

fn import(data: &str, directory: &Path) -> (String, u64, u64) {
    let output = run(&["import", "online-retail", "history.csv", "--data-dir", data], directory);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    report(&text(&output.stdout))
}

/// What a store holds in the end: how many events of each kind, and the last position.
async fn holds(data_dir: &Path) -> (BTreeMap<String, usize>, Position) {
    let store =
        emporia_store_sqlite::open(SqliteOptions::new(data_dir), emporia::platform::spaces()).await.unwrap();
    let (mut counts, mut last) = (BTreeMap::new(), Position::ZERO);
    for log in store.logs() {
        loop {
            let batch = store.read_log(&log, last, 1000, None).await.unwrap();
            if batch.next == last {
                break;
            }
            for record in &batch.records {
                *counts.entry(record.detail_type.clone()).or_default() += 1;
            }
            last = batch.next;
        }
    }
    store.close().await;
    (counts, last)
}

#[test]
fn what_cannot_be_imported_is_told_with_file_line_and_column() {
    let directory = tempfile::tempdir().unwrap();
    let row = "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n";
    for (name, content, told) in [
        ("none.csv", None, &["none.csv"][..]),
        ("empty.csv", Some(String::new()), &["empty.csv", "InvoiceNo,StockCode"]),
        ("header.csv", Some(format!("a,b,c\n{row}")), &["header.csv", "InvoiceNo,StockCode"]),
        (
            "quantity.csv",
            Some(format!("{HEADER}{row}{}", row.replace(",6,", ",six,"))),
            &["quantity.csv", "line 3", "Quantity", "six"],
        ),
        (
            "units.csv",
            Some(format!("{HEADER}{}", row.replace(",6,", ",-9223372036854775808,"))),
            &["units.csv", "line 2", "Quantity", "at most 999999"],
        ),
        (
            "price.csv",
            Some(format!("{HEADER}{}", row.replace("2.55", "2,55").replace("2,55", "\"2,55\""))),
            &["price.csv", "line 2", "UnitPrice", "2,55"],
        ),
        (
            "float.csv",
            Some(format!("{HEADER}{}", row.replace("2.55", "1e3"))),
            &["float.csv", "line 2", "UnitPrice"],
        ),
        (
            "date.csv",
            Some(format!("{HEADER}{}", row.replace("2010-12-01", "2010-13-01"))),
            &["date.csv", "line 2", "InvoiceDate"],
        ),
        (
            "customer.csv",
            Some(format!("{HEADER}{}", row.replace("17850", "me"))),
            &["customer.csv", "line 2", "CustomerID", "me"],
        ),
        (
            "invoice.csv",
            Some(format!("{HEADER}{row}{row}{}", row.replace("536365", ""))),
            &["invoice.csv", "line 4", "InvoiceNo"],
        ),
        ("columns.csv", Some(format!("{HEADER}{row}1,2,3\n")), &["columns.csv", "line: 3"]),
        ("broken.csv.gz", Some("\u{1f}\u{8b}nonsense".into()), &["broken.csv.gz"]),
    ] {
        if let Some(content) = content {
            let bytes =
                if name.ends_with("gz") { b"\x1f\x8b\x08nonsense".to_vec() } else { content.into_bytes() };
            std::fs::write(directory.path().join(name), bytes).unwrap();
        }
        let output = run(&["import", "online-retail", name, "--data-dir", "shop"], directory.path());
        assert_eq!(output.status.code(), Some(1), "{name}: {}", text(&output.stdout));
        let said = text(&output.stderr);
        assert!(told.iter().all(|part| said.contains(part)), "{name}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_small_gzipped_file_that_unpacks_to_a_huge_one_is_not_read_to_its_end() {
    let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    packed.write_all(HEADER.as_bytes()).unwrap();
    let row = "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n".repeat(10_000);
    for _ in 0..300 {
        packed.write_all(row.as_bytes()).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 2 << 20, "{} bytes", packed.len());
    let refused = rows("bomb.csv.gz", packed.as_slice()).unwrap_err().to_string();
    assert!(refused.starts_with("bomb.csv.gz: it has more than"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_twice_changes_nothing_the_second_time() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("history.csv"), history(4, 30)).unwrap();
    let (first, made, known) = import("shop", directory.path());
    assert_eq!((made, known), (4 * 30, 0), "{first}");
    let before = holds(&directory.path().join("shop")).await;
    assert_eq!(before.0["OrderPlaced"], 120, "{before:?}");
    let (second, made, known) = import("shop", directory.path());
    assert_eq!((made, known), (0, 120));
    assert_eq!(first, second);
    assert_eq!(holds(&directory.path().join("shop")).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_stopped_and_killed_ends_with_the_same_report_and_data() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("history.csv"), history(60, 40)).unwrap();
    let (whole, made, _) = import("whole", directory.path());
    for how in ["INT", "KILL"] {
        let log = directory.path().join(format!("{how}.log"));
        let mut command = emporia();
        command
            .args(["import", "online-retail", "history.csv", "--data-dir", "cut"])
            .current_dir(directory.path());
        let mut process = Process::spawn(command, &log);
        let begun = Instant::now();
        // It tells of every tenth when nobody looks: the second time it passes the first tenths as known ones.
        while !std::fs::read_to_string(&log).unwrap().contains("importing") {
            assert!(
                begun.elapsed() < Duration::from_secs(60) && process.ended(Duration::ZERO).is_none(),
                "{}",
                std::fs::read_to_string(&log).unwrap()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        process.signal(how);
        let ended = process.ended(Duration::from_secs(30)).expect("it stops");
        let said = std::fs::read_to_string(&log).unwrap();
        assert!(!said.contains("orders made"), "it was faster than the test: {said}");
        if how == "INT" {
            assert_eq!(ended.code(), Some(0), "{said}");
            assert!(said.contains("run the same command again"), "{said}");
        }
    }
    let (resumed, now, known) = import("cut", directory.path());
    assert!(known > 0, "something was there already");
    assert_eq!(now + known, made);
    assert_eq!(resumed, whole);
    let (whole, cut) =
        (holds(&directory.path().join("whole")).await.0, holds(&directory.path().join("cut")).await.0);
    assert_eq!(cut, whole);
}

#[test]
fn the_real_file_has_the_rows_classes_and_sums_that_the_documentation_names() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/online-retail.csv.gz");
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
        return;
    }
    let rows = read(&path).unwrap();
    assert_eq!(rows.len(), 541_909);
    let (mut classes, mut months) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, Decimal>::new());
    let mut sum = Decimal::ZERO;
    for row in &rows {
        *classes.entry(Class::of(row).to_string()).or_default() += 1;
        let value = row.price * Decimal::from(row.quantity);
        *months.entry(row.at.to_string()[..7].to_owned()).or_default() += value;
        sum += value;
    }
    let documented = [
        ("sales", 527_761),
        ("free lines", 1_162),
        ("postage", 1_981),
        ("fees and services", 378),
        ("returns", 8_704),
        ("discounts", 77),
        ("reversals of charges", 507),
        ("stock write-offs", 1_336),
        ("finance adjustments", 3),
    ];
    assert_eq!(classes, documented.map(|(class, rows)| (class.to_owned(), rows)).into_iter().collect());
    assert_eq!(months.len(), 13);
    assert_eq!(months["2010-12"].round_dp(2).to_string(), "748957.02");
    assert_eq!(months["2011-11"].round_dp(2).to_string(), "1461756.25");
    assert_eq!(sum.normalize().to_string(), "9747747.934");
}
