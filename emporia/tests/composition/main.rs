//! The supergraph as another composer sees it: `@theguild/federation-composition`, installed from npm for the test.

#[path = "../npm/mod.rs"]
mod npm;

use serde_json::{Value, json};
use std::process::Command;

const PACKAGES: [&str; 2] = ["@theguild/federation-composition@0.27.0", "graphql@16.11.0"];

#[tokio::test]
async fn another_composer_makes_the_same_supergraph() {
    let Some(packages) = npm::with("composition", &PACKAGES) else { return };
    let place = tempfile::tempdir().unwrap();
    let emporia = emporia_testkit::Emporia::empty().await;
    let subgraphs: Vec<Value> = emporia::graph::subgraphs(&emporia.platform)
        .into_iter()
        .map(|(name, sdl)| json!({"name": name, "sdl": sdl}))
        .collect();
    let supergraph = emporia::graph::supergraph(&emporia.platform).unwrap();
    std::fs::write(place.path().join("subgraphs.json"), serde_json::to_vec(&subgraphs).unwrap()).unwrap();
    std::fs::write(place.path().join("supergraph.graphql"), supergraph.sdl()).unwrap();
    let script = npm::script(&packages, "compose.mjs", include_str!("compose.mjs"));
    let output = Command::new("node").arg(script).current_dir(place.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said.get("errors"), None, "{said:#}");
    assert!(said["facts"].as_u64().unwrap() > 500, "{said:#}");
    assert_eq!((&said["onlyTheirs"], &said["onlyOurs"]), (&json!([]), &json!([])), "{said:#}");
}
