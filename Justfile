# Every task of the project; `just --list` shows them.

# Start everything with a sample retailer.
demo *args:
    cargo run --release -- demo {{args}}

# Run every test.
test *args:
    cargo test --workspace {{args}}

# Format and lint as continuous integration does.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Licences and advisories of dependencies.
deny:
    cargo deny check

# Write supergraph.graphql, docs/events and the JSON Schemas anew.
generate:
    EMPORIA_TEST_WRITE=1 cargo test -p emporia --test generated

# First figures: a server and a driver on this machine.
bench *args:
    cargo run --release -p emporia-bench -- {{args}}

# Break everything around a running shop for ten minutes, on both engines, then audit it.
chaos *args:
    cargo build -p emporia -p emporia-chaos
    cargo run -q -p emporia-chaos -- {{args}}

# Fuzz everything that reads bytes from outside: so many minutes each, or only the targets that are named.
fuzz minutes="10" *targets:
    fuzz/run {{minutes}} {{targets}}

# The documentation of all crates.
docs:
    cargo doc --workspace --no-deps --open
