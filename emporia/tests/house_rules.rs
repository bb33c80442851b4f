//! The rules of the house, read off `cargo metadata`: who may depend on whom.

use serde_json::Value;
use std::{collections::BTreeMap, path::Path, process::Command};

/// Rooms that use nothing of ours, so that they can be published alone.
const ENGINES: [&str; 4] = ["bus/log", "bus/pattern", "bus/transform", "bus/schedule"];

/// Crates of the workspace: name, room (the folder below the root), and names of normal dependencies in the workspace.
struct Room {
    name: String,
    path: String,
    uses: Vec<String>,
    develops_with: Vec<String>,
}

fn rooms() -> Vec<Room> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let root = metadata["workspace_root"].as_str().unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let of = |dev: bool| {
                let dependencies = package["dependencies"].as_array().unwrap().iter();
                let ours = dependencies.filter(|d| !d["path"].is_null() && (d["kind"] == "dev") == dev);
                ours.map(|d| d["name"].as_str().unwrap().to_owned()).collect()
            };
            let manifest = package["manifest_path"].as_str().unwrap();
            let path =
                manifest.strip_prefix(root).unwrap().trim_start_matches('/').trim_end_matches("/Cargo.toml");
            Room {
                name: package["name"].as_str().unwrap().to_owned(),
                path: path.to_owned(),
                uses: of(false),
                develops_with: of(true),
            }
        })
        .collect()
}

#[test]
fn a_room_depends_only_on_rooms_that_it_may_know() {
    let rooms = rooms();
    let paths: BTreeMap<&str, &str> = rooms.iter().map(|r| (r.name.as_str(), r.path.as_str())).collect();
    let shared = ["services/contracts", "services/subgraph"];
    let mut broken = vec![];
    for room in &rooms {
        for (used, in_tests) in
            room.uses.iter().map(|u| (u, false)).chain(room.develops_with.iter().map(|u| (u, true)))
        {
            let to = paths[used.as_str()];
            let from = room.path.as_str();
            let platform = to.starts_with("platform/") && to != "platform/testkit";
            let allowed = match from.split('/').next().unwrap() {
                // The whole platform in a test knows everything, as the executable does.
                "platform" if from == "platform/testkit" => true,
                "platform" => platform,
                // Money, ids, events and the vault are what contracts are made of.
                "services" if from == "services/contracts" => platform,
                "services" if from == "services/subgraph" => platform || to == "services/contracts",
                "services" | "connectors" | "engagement" => {
                    platform || shared.contains(&to) || (in_tests && from == to)
                }
                "gateway" => platform,
                // Engines that anybody may use alone: patterns, transformers, schedules.
                "bus" if ENGINES.contains(&from) => false,
                "bus" if to.starts_with("bus/") => true,
                "bus" | "lake" | "personalization" | "insight" => platform || to == "services/contracts",
                "heads" => false,
                "emporia" | "bench" | "chaos" | "fuzz" => true,
                other => panic!("{other}/ is a new kind of room: say here what it may know"),
            };
            if !allowed {
                broken.push(format!("{from} must not depend on {to}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_platform_knows_no_word_of_commerce() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let words = ["cart", "checkout", "sku", "shopper", "fulfil", "refund", "merchand", "price list"];
    let mut found = vec![];
    for room in rooms().iter().filter(|r| r.path.starts_with("platform/") && r.path != "platform/testkit") {
        for file in sources(&root.join(&room.path).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap().to_lowercase();
            for word in words
                .iter()
                .filter(|word| text.split(|c: char| !c.is_alphabetic()).any(|w| w.starts_with(*word)))
            {
                found.push(format!("{}: {word}", file.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_crate_has_a_readme_and_the_workspace_lints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for room in rooms() {
        let readme = std::fs::read_to_string(root.join(&room.path).join("README.md")).unwrap_or_default();
        assert!(readme.lines().count() > 3, "{} needs a README", room.path);
        let manifest = std::fs::read_to_string(root.join(&room.path).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} does not take the workspace's lints",
            room.path
        );
    }
}

fn sources(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files = vec![];
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
