//! What an operator writes: configuration, policies of roles, trusted documents.

use crate::shop::block_on;
use emporia::config::Config;
use emporia_customers::Policies;
use emporia_gateway::{DocumentsConfig, Gateway, Remote, Supergraph, compose};
use std::io::Write;
use std::sync::LazyLock;

/// The smallest graph that there is.
static SUPERGRAPH: LazyLock<Supergraph> =
    LazyLock::new(|| compose(&[("a", "type Query { a: Int }", "http://127.0.0.1:9")]).expect("it composes"));

/// The first byte says what the rest is. It is read, or refused in words.
pub fn run(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 3 {
        0 => configuration(rest),
        1 => {
            let text = String::from_utf8_lossy(rest);
            if let Err(error) = Policies::with(&text) {
                assert!(!error.to_string().is_empty());
            }
        }
        _ => documents(rest),
    }
}

fn configuration(text: &[u8]) {
    let mut file = tempfile::NamedTempFile::with_suffix(".toml").expect("a file can be made");
    file.write_all(text).expect("there is room");
    match Config::load(Some(file.path())) {
        Ok(config) => {
            let _ = (config.require_production(), config.store.postgres(), config.passkeys.relying_party());
            for (key, provider) in config.identity_providers.iter().take(2) {
                let _ = provider.client(key);
            }
            let _ = format!("{config:?}");
        }
        Err(error) => assert!(error.to_string().len() > 5, "{error}"),
    }
}

fn documents(manifest: &[u8]) {
    let mut file = tempfile::NamedTempFile::with_suffix(".json").expect("a file can be made");
    file.write_all(manifest).expect("there is room");
    let documents = DocumentsConfig { trusted: Some(file.path().to_owned()), ..DocumentsConfig::default() };
    let config = emporia_gateway::Config {
        documents,
        undeclared_access: emporia_gateway::UndeclaredAccess::Allow,
        ..emporia_gateway::Config::default()
    };
    let gateway = block_on(async {
        let nobody = Remote::new(reqwest::Client::new(), "http://127.0.0.1:9");
        Gateway::builder(SUPERGRAPH.clone()).config(config).subgraph("a", nobody).build()
    });
    if let Err(error) = gateway {
        assert!(error.to_string().len() > 5, "{error}");
    }
}
