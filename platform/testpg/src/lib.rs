#![doc = include_str!("../README.md")]

mod binaries;
mod cluster;
mod shared;

pub use cluster::Cluster;
pub use shared::{Database, database};

/// What to do where PostgreSQL is not installed: nothing, said aloud; with `EMPORIA_TEST_REQUIRE=all` a failure.
#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn skipped() {
    let what = "PostgreSQL is not installed (Debian: apt-get install postgresql)";
    let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|required| required == "all");
    assert!(!required, "{what}");
    println!("skipped: {what}");
}
