//! Schemas of others: supergraphs for `emporia gateway`.

use crate::shop::block_on;
use emporia_gateway::{Config, Gateway, Supergraph, UndeclaredAccess};
use std::sync::{LazyLock, Once};

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(reqwest::Client::new);

/// The text of a supergraph. It is served, or refused in words.
pub fn run(bytes: &[u8]) {
    static QUIET: Once = Once::new();
    // The planner asserts what a well-formed supergraph has; `Gateway` catches that, and a fuzzer must let it.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let Ok(sdl) = std::str::from_utf8(bytes) else { return };
    let config = Config { undeclared_access: UndeclaredAccess::Allow, ..Config::default() };
    let gateway = block_on(async {
        let builder = Gateway::builder(Supergraph::from_sdl(sdl)).config(config);
        builder.remote_subgraphs(&CLIENT).build()
    });
    if let Err(error) = gateway {
        assert!(error.to_string().len() > 5, "{error}");
    }
}
