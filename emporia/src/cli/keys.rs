//! The keys that sign access tokens.

use crate::{
    cli::{Failure, Settings, say},
    platform,
};
use clap::Subcommand;
use emporia_auth::{AccessTokens, KeyRing};
use jiff::Timestamp;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Sign with a new key from now on; tokens of the old one hold until they end. Nobody is signed out, and servers
    /// that run notice by themselves.
    Rotate {
        #[command(flatten)]
        settings: Settings,
    },
    /// Show which keys are accepted.
    List {
        #[command(flatten)]
        settings: Settings,
    },
}

pub(crate) fn keys(command: KeysCommand) -> Result<(), Failure> {
    let (settings, rotate) = match command {
        KeysCommand::Rotate { settings } => (settings, true),
        KeysCommand::List { settings } => (settings, false),
    };
    let dir = settings.load()?.data_dir;
    let path = platform::token_keys(&dir);
    if !path.exists() {
        return Err(super::demo::no_data(&dir));
    }
    let now = Timestamp::now();
    let ring = if rotate {
        KeyRing::rotate(&path, now, AccessTokens::outlast(&platform::token_options()))?
    } else {
        KeyRing::open(&path)?
    };
    say(&format!("{}  signs", ring.key.id()));
    for former in ring.former.iter().filter(|former| former.until > now) {
        say(&format!("{}  is accepted until {}", former.id(), former.until));
    }
    Ok(())
}
