//! Events per second on one core, from JSON text to rule ids: `cargo bench -p emporia-event-pattern`. Words after `--` choose
//! what to measure.
#![allow(clippy::print_stdout)]

use emporia_event_pattern::{Matcher, Pattern, Rules};
use std::{
    fmt::Write,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|word| name.contains(word.as_str()));
    let events = events(20_000);
    let bytes: usize = events.iter().map(Vec::len).sum();
    println!("{} events of {} bytes on average", events.len(), bytes / events.len());
    println!(
        "{:<16} {:>12} {:>10} {:>8} {:>10} {:>10}",
        "rules", "events/s", "matches", "p99 µs", "build ms", "memory MB"
    );
    for (name, count, mixed) in [
        ("mixed 1", 1, true),
        ("mixed 100", 100, true),
        ("mixed 10000", 10_000, true),
        ("mixed 100000", 100_000, true),
        ("exact 1", 1, false),
        ("exact 100", 100, false),
        ("exact 10000", 10_000, false),
        ("exact 100000", 100_000, false),
    ] {
        if wanted(name) {
            throughput(name, &rules(count, mixed), &events);
        }
    }
    if wanted("add") {
        adding();
    }
    if wanted("large") {
        large_event();
    }
    if wanted("hostile") {
        hostile_wildcards();
    }
}

fn throughput(name: &str, texts: &[String], events: &[Vec<u8>]) {
    let before = resident();
    let start = Instant::now();
    let compiled = compile(texts);
    let build = start.elapsed();
    let memory = resident().saturating_sub(before);
    let mut matcher = Matcher::new();
    let (mut best, mut matches) = (Duration::MAX, 0);
    for _ in 0..7 {
        let start = Instant::now();
        matches =
            events.iter().map(|event| black_box(compiled.matches(event, &mut matcher)).unwrap().len()).sum();
        best = best.min(start.elapsed());
    }
    let mut each: Vec<Duration> = events
        .iter()
        .map(|event| {
            let start = Instant::now();
            let _ = black_box(compiled.matches(event, &mut matcher));
            start.elapsed()
        })
        .collect();
    each.sort_unstable();
    println!(
        "{name:<16} {:>12.0} {:>10.2} {:>8.1} {:>10.0} {:>10.0}",
        events.len() as f64 / best.as_secs_f64(),
        matches as f64 / events.len() as f64,
        each[each.len() * 99 / 100].as_secs_f64() * 1e6,
        build.as_secs_f64() * 1e3,
        memory as f64 / 1e6,
    );
}

fn adding() {
    let compiled = compile(&rules(100_000, true));
    let more = rules(101_001, true).split_off(100_000);
    let parse = |text: &String| Arc::new(Pattern::parse(text).unwrap());
    let start = Instant::now();
    let mut now = compiled.with(100_000, parse(&more[0]));
    println!("add one rule to 100,000: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    for (at, text) in more[..1_000].iter().enumerate() {
        now = now.with(100_000 + at, parse(text));
    }
    let start = Instant::now();
    let now = now.with(200_000, parse(&more[1_000]));
    println!("add one rule to 100,000 and 1,000 recent ones: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    let removed = now.without(&7).without(&100_007);
    println!("remove two: {:.2} ms, {} rules left", start.elapsed().as_secs_f64() * 1e3, removed.len());
}

fn large_event() {
    let event = event(&mut Random(7), 3_450);
    for count in [1, 100, 10_000] {
        let compiled = compile(&rules(count, true));
        let mut matcher = Matcher::new();
        let time = best_of(50, || {
            let _ = black_box(compiled.matches(&event, &mut matcher));
        });
        println!("event of {} bytes, {count} mixed rules: {:.3} ms", event.len(), time.as_secs_f64() * 1e3);
    }
}

/// Time must grow with rules × length, not faster: the last column must not grow.
fn hostile_wildcards() {
    for (count, length) in [(100, 1_000), (100, 10_000), (100, 100_000), (1_000, 10_000)] {
        let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
        let wildcard = |n: usize| format!("*{}*{}*{}*{n}", letter(n), letter(n / 26), letter(n / 7));
        let texts: Vec<String> =
            (0..count).map(|n| format!("{{\"a\":[{{\"wildcard\":\"{}*\"}}]}}", wildcard(n))).collect();
        let compiled = compile(&texts);
        let text: String = (0..length).map(|n| letter(n * n / 3)).collect();
        let event = format!("{{\"a\":\"{text}\"}}");
        let mut matcher = Matcher::new();
        let time = best_of(5, || {
            let _ = black_box(compiled.matches(event.as_bytes(), &mut matcher));
        });
        println!(
            "{count} wildcards on {length} bytes: {:.3} ms, {:.3} ns per rule and byte",
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() * 1e9 / (count * length) as f64
        );
    }
}

fn best_of(times: usize, mut what: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let start = Instant::now();
            what();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn compile(texts: &[String]) -> Rules<usize> {
    Rules::new(texts.iter().map(|text| Arc::new(Pattern::parse(text).unwrap())).enumerate())
}

/// Resident memory in bytes; 0 where the system does not tell.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ z >> 31) * u128::from(bound)) >> 64) as u32
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len() as u32) as usize]
    }
}

const SOURCES: [&str; 4] = ["shop.web", "shop.app", "shop.till", "shop.marketplace"];
const TYPES: [&str; 6] =
    ["Order Placed", "Order Paid", "Order Shipped", "Order Cancelled", "Order Returned", "Order Changed"];
const STATUSES: [&str; 5] = ["new", "paid", "picking", "shipped", "closed"];
const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "CHF"];
const CUSTOMERS: u32 = 50_000;
const SKUS: u32 = 20_000;
const DOMAINS: u32 = 500;

fn events(count: usize) -> Vec<Vec<u8>> {
    let mut random = Random(1);
    (0..count).map(|_| event(&mut random, 0)).collect()
}

/// An order with so many lines, or with one to five if 0.
fn event(random: &mut Random, lines: u32) -> Vec<u8> {
    let mut text = String::new();
    let lines = if lines == 0 { 1 + random.below(5) } else { lines };
    write!(
        text,
        "{{\"version\":\"0\",\"id\":\"{:08x}-{:04x}-4{:03x}-8{:03x}-{:08x}{:04x}\",\"detail-type\":\"{}\",\
         \"source\":\"{}\",\"account\":\"123456789012\",\"time\":\"2026-11-{:02}T{:02}:{:02}:{:02}Z\",\
         \"region\":\"eu-central-1\",\"resources\":[],\"detail\":{{\"orderId\":\"O-{:08}\",\"status\":\"{}\",\
         \"customer\":{{\"id\":\"C-{:06}\",\"email\":\"customer{}@mail{:03}.example\",\"guest\":{}}},\
         \"currency\":\"{}\",\"total\":{}.{:02},\"ip\":\"10.{}.{}.{}\",\"lines\":[",
        random.below(u32::MAX),
        random.below(0xffff),
        random.below(0xfff),
        random.below(0xfff),
        random.below(u32::MAX),
        random.below(0xffff),
        random.pick(&TYPES),
        random.pick(&SOURCES),
        1 + random.below(30),
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(100_000_000),
        random.pick(&STATUSES),
        random.below(CUSTOMERS),
        random.below(1000),
        random.below(DOMAINS),
        random.below(2) == 0,
        random.pick(&CURRENCIES),
        5 + random.below(495),
        random.below(100),
        random.below(256),
        random.below(256),
        random.below(256),
    )
    .unwrap();
    for line in 0..lines {
        let comma = if line > 0 { "," } else { "" };
        write!(
            text,
            "{comma}{{\"line\":{},\"sku\":\"SKU-{:05}\",\"quantity\":{},\"price\":{}.{:02},\"warehouse\":\"W{}\"}}",
            line + 1,
            random.below(SKUS),
            1 + random.below(5),
            1 + random.below(99),
            random.below(100),
            random.below(20)
        )
        .unwrap();
    }
    text.push_str(
        "],\"shipping\":{\"method\":\"parcel\",\"address\":{\"country\":\"DE\",\"zip\":\"10115\"}}}}",
    );
    text.into_bytes()
}

/// Exact: source, type and customer. Mixed: 70 % exact, 10 % prefix in an array, 8 % range of numbers, 6 % anything-but and
/// exact, 4 % suffix, 2 % CIDR.
fn rules(count: usize, mixed: bool) -> Vec<String> {
    let mut random = Random(2);
    let mut rule = |at: usize| {
        let kind = if mixed { (at * 37) % 100 } else { 0 };
        let (source, detail_type) = (random.pick(&SOURCES), random.pick(&TYPES));
        let customer = random.below(CUSTOMERS);
        match kind {
            0..70 => format!(
                "{{\"source\":[\"{source}\"],\"detail-type\":[\"{detail_type}\"],\
                 \"detail\":{{\"customer\":{{\"id\":[\"C-{customer:06}\"]}}}}}}"
            ),
            70..80 => format!(
                "{{\"source\":[\"{source}\"],\"detail\":{{\"lines\":{{\"sku\":[{{\"prefix\":\"SKU-{:04}\"}}]}}}}}}",
                random.below(SKUS / 10)
            ),
            80..88 => {
                let low = 5 + random.below(485);
                format!(
                    "{{\"source\":[\"{source}\"],\"detail-type\":[\"{detail_type}\"],\
                     \"detail\":{{\"total\":[{{\"numeric\":[\">=\",{low},\"<\",{}]}}]}}}}",
                    low + 10
                )
            }
            88..94 => format!(
                "{{\"detail\":{{\"status\":[{{\"anything-but\":[\"{}\"]}}],\"customer\":{{\"id\":[\"C-{customer:06}\"]}}}}}}",
                random.pick(&STATUSES)
            ),
            94..98 => format!(
                "{{\"detail\":{{\"customer\":{{\"email\":[{{\"suffix\":\"@mail{:03}.example\"}}]}}}}}}",
                random.below(DOMAINS)
            ),
            _ => format!(
                "{{\"source\":[\"{source}\"],\"detail\":{{\"ip\":[{{\"cidr\":\"10.{}.0.0/16\"}}]}}}}",
                random.below(256)
            ),
        }
    };
    (0..count).map(&mut rule).collect()
}
