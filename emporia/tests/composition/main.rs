//! The supergraph as another composer sees it: `@theguild/federation-composition`, installed from npm for the test.

use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Stdio},
};

const PACKAGES: [&str; 2] = ["@theguild/federation-composition@0.27.0", "graphql@16.11.0"];

#[tokio::test]
async fn another_composer_makes_the_same_supergraph() {
    let place = tempfile::tempdir().unwrap();
    if !installed(place.path()) {
        return;
    }
    let emporia = emporia_testkit::Emporia::empty().await;
    let subgraphs: Vec<Value> = emporia::graph::subgraphs(&emporia.platform)
        .into_iter()
        .map(|(name, sdl)| json!({"name": name, "sdl": sdl}))
        .collect();
    let supergraph = emporia::graph::supergraph(&emporia.platform).unwrap();
    std::fs::write(place.path().join("subgraphs.json"), serde_json::to_vec(&subgraphs).unwrap()).unwrap();
    std::fs::write(place.path().join("supergraph.graphql"), supergraph.sdl()).unwrap();
    std::fs::write(place.path().join("compose.mjs"), include_str!("compose.mjs")).unwrap();
    let output = Command::new("node").arg("compose.mjs").current_dir(place.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said.get("errors"), None, "{said:#}");
    assert!(said["facts"].as_u64().unwrap() > 500, "{said:#}");
    assert_eq!((&said["onlyTheirs"], &said["onlyOurs"]), (&json!([]), &json!([])), "{said:#}");
}

/// Installs the packages; false if there is no npm, or no registry, and none is demanded.
fn installed(place: &Path) -> bool {
    std::fs::write(place.join("package.json"), r#"{"type": "module", "private": true}"#).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent"]).args(PACKAGES).current_dir(place);
    let done = npm.stdout(Stdio::null()).status();
    if matches!(&done, Ok(status) if status.success()) {
        return true;
    }
    let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "npm could not install {PACKAGES:?}: {done:?}");
    eprintln!("skipped: npm could not install {PACKAGES:?}: {done:?}");
    false
}
