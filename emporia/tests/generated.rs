//! Files that are generated and checked in: they must be what the code says. With `EMPORIA_TEST_WRITE=1` they are
//! written anew.

use emporia_contracts::catalogue::{EventKind, events};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn check(path: &Path, text: &str) {
    if std::env::var_os("EMPORIA_TEST_WRITE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == text,
        "{} is not what the code says: run `just generate` and look at the difference",
        path.display()
    );
}

#[tokio::test]
async fn the_supergraph_that_is_checked_in_is_the_one_that_is_served() {
    let platform = emporia_testkit::Emporia::empty().await;
    let supergraph = emporia::graph::supergraph(&platform.platform).unwrap();
    check(&root().join("supergraph.graphql"), supergraph.sdl());
}

#[test]
fn the_event_catalogue_is_that_of_the_contracts() {
    let events = events();
    let mut page = String::from(
        "# Events\n\nEvery event that Emporia publishes, by the room that tells it. The envelope is that of \
         `platform/events`; the table names\nwhat is in `detail.data`, whose JSON Schema lies beside this page. This \
         page is generated: `just generate`.\n",
    );
    let mut rooms: BTreeMap<&str, Vec<&EventKind>> = BTreeMap::new();
    for event in &events {
        rooms.entry(event.source).or_default().push(event);
    }
    for (source, events) in rooms {
        write!(page, "\n## {source}\n\n| event | version | meaning | facts |\n|---|---|---|---|\n").unwrap();
        for event in events {
            let facts: Vec<String> = event.schema["properties"]
                .as_object()
                .map(|p| p.keys().map(|k| format!("`{k}`")).collect())
                .unwrap_or_default();
            writeln!(
                page,
                "| [{0}]({0}.json) | {1} | {2} | {3} |",
                event.detail_type,
                event.schema_version,
                event.description.replace('\n', " "),
                facts.join(", ")
            )
            .unwrap();
        }
    }
    check(&root().join("docs/events/README.md"), &page);
    for event in &events {
        let text = serde_json::to_string_pretty(&event.schema).unwrap() + "\n";
        check(&root().join("docs/events").join(format!("{}.json", event.detail_type)), &text);
        assert!(!event.description.is_empty(), "{} has no description", event.detail_type);
    }
}
