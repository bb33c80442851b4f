//! Every seed, once: what a fuzzer would stop for, a test run stops for too.

use std::path::Path;

#[test]
fn nothing_stops_at_a_seed() {
    // What a target opens it never closes: its files go away with this directory.
    let work = tempfile::tempdir().unwrap();
    tempfile::env::override_temp_dir(work.path()).unwrap();
    for (target, run) in emporia_fuzz::TARGETS {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        let files = std::fs::read_dir(&seeds).unwrap_or_else(|e| panic!("{}: {e}", seeds.display()));
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{target} has no seeds");
        for path in paths {
            let bytes = std::fs::read(&path).unwrap();
            let stopped = std::panic::catch_unwind(|| run(&bytes));
            assert!(stopped.is_ok(), "{} stops", path.display());
        }
    }
}
