//! Whether the generated cases find faults: each is put into a copy of the engine, and the comparison with the model must
//! fail. Building takes minutes, so only `EMPORIA_TEST_FAULTS=all cargo test -p
//! emporia-event-pattern --test faults` does it (or a word of one fault in place of `all`); that the faults still fit the
//! source is always tried.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

struct Fault {
    what: &'static str,
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
}

const FAULTS: [Fault; 12] = [
    Fault {
        what: "values of different elements count together",
        file: "index.rs",
        right: "if in_elements < 2 && !absence {",
        wrong: "if !absence {",
    },
    Fault {
        what: "absence is not looked for in elements",
        file: "index.rs",
        right: "return Verdict::MayBeAbsent;",
        wrong: "return Verdict::Fails;",
    },
    Fault {
        what: "a field that allows absence leads to its rule",
        file: "index.rs",
        right: "let certain = members.iter().filter(|member| !absence[**member as usize]);",
        wrong: "let certain = members.iter();",
    },
    Fault {
        what: "what was found for the event before is believed",
        file: "index.rs",
        right: "if self.0 >> Self::BITS != event {",
        wrong: "if self.0 == 0 {",
    },
    Fault {
        what: "elements are let go of too early",
        file: "arrays.rs",
        right: "elements.get(at).is_some_and(|element| *element <= array.last)",
        wrong: "elements.get(at).is_some_and(|element| *element < array.last)",
    },
    Fault {
        what: "only the longest of nested prefixes is found",
        file: "prefixes.rs",
        right: "made.parents.push(parent);",
        wrong: "made.parents.push(NONE);",
    },
    Fault {
        what: "the upper half of intervals is passed over",
        file: "intervals.rs",
        right: "let below = highest(before).max(highest(after));",
        wrong: "let below = highest(before);",
    },
    Fault {
        what: "an open end of a range is closed one step too far in",
        file: "number.rs",
        right: "self.low.sortable() + u64::from(self.low_open)",
        wrong: "self.low.sortable() + u64::from(!self.low_open)",
    },
    Fault {
        what: "numbers that no double holds are rounded",
        file: "number.rs",
        right: "(double.is_finite() && Decimal::parse(back.as_bytes())? == exact).then_some(Self(double))",
        wrong: "(double.is_finite() && !back.is_empty()).then_some(Self(double))",
    },
    Fault {
        what: "keys with dots are one key",
        file: "trie.rs",
        right: "part.then_some(Step::Part(*child, name.len()))",
        wrong: "(part && key.is_empty()).then_some(Step::Part(*child, name.len()))",
    },
    Fault {
        what: "the last piece of a wildcard may overlap the first",
        file: "wildcard.rs",
        right: "text.len() < first.len() + last.len() || !text.starts_with(first)",
        wrong: "text.len() < first.len().max(last.len()) || !text.starts_with(first)",
    },
    Fault {
        what: "an escaped backslash escapes",
        file: "scan.rs",
        right: "let odd_starts = backslashes & !EVEN & !follows;",
        wrong: "let odd_starts = backslashes & EVEN & !follows;",
    },
];

fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file)
}

#[test]
fn every_fault_fits_one_place_in_the_engine() {
    for fault in &FAULTS {
        let text = std::fs::read_to_string(source(fault.file)).unwrap();
        assert_eq!(text.matches(fault.right).count(), 1, "{}: {}", fault.file, fault.what);
    }
}

#[test]
fn generated_cases_find_every_fault() {
    let Ok(chosen) = std::env::var("EMPORIA_TEST_FAULTS") else {
        return eprintln!("skipped: EMPORIA_TEST_FAULTS=all puts faults into copies of the engine");
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path();
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let (_, after) = manifest.split_once("default-members").unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    let workspace = format!("[workspace]\nresolver = \"3\"\nmembers = [\"bus/pattern\"]\n{after}");
    std::fs::write(copy.join("Cargo.toml"), workspace).unwrap();
    std::fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock")).unwrap();
    copy_folder(Path::new(env!("CARGO_MANIFEST_DIR")), &copy.join("bus/pattern"));
    let finds = || {
        let output = Command::new(env!("CARGO"))
            .args([
                "test",
                "--offline",
                "--lib",
                "-p",
                "emporia-event-pattern",
                "the_engine_answers_as_the_model_does",
            ])
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", copy.join("target"))
            .env("EMPORIA_TEST_CASES", "60000")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("running 1 test"), "{}", String::from_utf8_lossy(&output.stderr));
        !output.status.success()
    };
    assert!(!finds(), "without a fault there is none to find");
    let mut missed = vec![];
    for fault in FAULTS.iter().filter(|fault| chosen == "all" || fault.what.contains(&chosen)) {
        let file = copy.join("bus/pattern/src").join(fault.file);
        let right = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, right.replace(fault.right, fault.wrong)).unwrap();
        let found = finds();
        eprintln!("{}: {}", if found { "found" } else { "MISSED" }, fault.what);
        if !found {
            missed.push(fault.what);
        }
        std::fs::write(&file, right).unwrap();
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() { copy_folder(&from, &to) } else { std::fs::copy(from, to).map(|_| ()).unwrap() }
    }
}
