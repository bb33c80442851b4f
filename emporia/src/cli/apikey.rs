//! Keys with which other systems ask.

use crate::{
    cli::{COMMAND_LINE, Failure, Settings, by_command, demo, say},
    platform::Platform,
};
use clap::Subcommand;
use emporia_contracts::{Principal, ids::ApiKeyId};
use emporia_customers::ApiKeyView;
use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Subcommand)]
pub(crate) enum ApikeyCommand {
    /// Make a key. It is shown once.
    Create {
        /// Name for people.
        #[arg(long)]
        name: String,
        /// What it may do: orders:read, stock:write and so on, or at one place alone as in stock:read@location:berlin; a
        /// wrong one is answered with all there are.
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// After how many days it ends; never, if left out.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=36_500))]
        expires_in: Option<i64>,
        #[command(flatten)]
        settings: Settings,
    },
    /// List the keys, the newest first.
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Revoke a key: it is refused from now on.
    Revoke {
        /// The key's id, as the list shows it.
        id: ApiKeyId,
        #[command(flatten)]
        settings: Settings,
    },
}

pub(crate) async fn apikey(command: ApikeyCommand) -> Result<(), Failure> {
    let settings = match &command {
        ApikeyCommand::Create { settings, .. }
        | ApikeyCommand::List { settings }
        | ApikeyCommand::Revoke { settings, .. } => settings.clone(),
    };
    let (platform, _) = demo::open_existing(&settings).await?;
    let done = run(&platform, command).await;
    platform.store.close().await;
    done
}

async fn run(platform: &Platform, command: ApikeyCommand) -> Result<(), Failure> {
    let customers = &platform.customers;
    match command {
        ApikeyCommand::Create { name, scopes, expires_in, .. } => {
            let days = |days: i64| Timestamp::now().checked_add(SignedDuration::from_hours(24 * days));
            let end = expires_in.map(days).transpose()?;
            let granter = Principal::System(COMMAND_LINE.into());
            let (meta, author) = by_command(platform, "apikey create");
            let made = author.writes(customers.create_api_key(&name, &scopes, end, &granter, &meta)).await?;
            say(&format!("Key {} is shown this once; send it as `Authorization: Bearer …`:", made.view.id));
            say(&made.secret);
        }
        ApikeyCommand::List { .. } => {
            for key in customers.api_keys(1000).await? {
                say(&line(&key));
            }
        }
        ApikeyCommand::Revoke { id, .. } => {
            let (meta, author) = by_command(platform, "apikey revoke");
            let key = author.writes(customers.revoke_api_key(id, &meta)).await?;
            say(&line(&key));
        }
    }
    Ok(())
}

fn line(key: &ApiKeyView) -> String {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(end)) if end <= Timestamp::now() => format!("ended {end}"),
        (None, Some(end)) => format!("until {end}"),
        (None, None) => "holds".to_owned(),
    };
    let scopes = key.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    format!("{}  {}  {state}  {scopes}", key.id, key.name)
}
