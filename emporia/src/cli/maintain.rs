//! Operators, mail, backups, configuration.

use crate::{
    cli::{COMMAND_LINE, Failure, Settings, by_command, demo, local, say},
    graph,
    platform::PERSONS,
};
use clap::{Args, Subcommand};
use emporia_store_sqlite::make_directory;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum OperatorCommand {
    /// Make an operator or associate.
    Create {
        /// Mail address: the name to sign in with.
        #[arg(long)]
        email: String,
        /// Name for people.
        #[arg(long)]
        name: String,
        /// Roles: admin, merchandiser, fulfilment, service, analyst, and your own (role_policies); at one place alone as in
        /// fulfilment@location:berlin or merchandiser@channel:eu.
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
        /// Password; read from the variable so that it is in no list of processes.
        #[arg(long, env = "EMPORIA_OPERATOR_PASSWORD", hide_env_values = true)]
        password: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Let an operator who has lost his authenticator sign in with his password alone, and end his sessions.
    ForgetSecondFactor {
        /// Mail address: the name to sign in with.
        #[arg(long)]
        email: String,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Args)]
pub(crate) struct MailArgs {
    /// Show this mail; without it the newest are listed.
    id: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// An empty directory for the copy; the keys of persons go to its folder `keys`: move them elsewhere.
    to: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The copy.
    from: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read the configuration, say what it means, and what production still needs.
    Check {
        #[command(flatten)]
        settings: Settings,
    },
}

pub(crate) async fn operator(command: OperatorCommand) -> Result<(), Failure> {
    let (email, name, roles, password, settings) = match command {
        OperatorCommand::Create { email, name, roles, password, settings } => {
            (email, name, roles, password, settings)
        }
        OperatorCommand::ForgetSecondFactor { email, settings } => {
            return forget_second_factor(&email, &settings).await;
        }
    };
    let (platform, _) = demo::open(&settings).await?;
    let granter = emporia_contracts::Principal::System(COMMAND_LINE.into());
    let (meta, author) = by_command(&platform, "operator create");
    let customers = &platform.customers;
    let made = customers.create_operator(&email, &name, &password, &roles, &granter, &meta);
    let made = author.writes(made).await?;
    platform.store.close().await;
    say(&format!("Operator {} can sign in now (mutation signInOperator).", made.id));
    Ok(())
}

async fn forget_second_factor(email: &str, settings: &Settings) -> Result<(), Failure> {
    let (platform, _) = demo::open_existing(settings).await?;
    let customers = &platform.customers;
    let (meta, author) = by_command(&platform, "operator forget-second-factor");
    let found = customers.operator_by_email(email).await?;
    let done = match found {
        Some(operator) => {
            let forgotten = customers.forget_second_factor(operator.id, &meta);
            author.writes(forgotten).await.map_err(Failure::from)
        }
        None => Err(Failure::new("there is no operator with this mail address")),
    };
    platform.store.close().await;
    done?;
    say("The operator signs in with the password alone now, and can enrol another authenticator.");
    Ok(())
}

pub(crate) async fn mail(args: MailArgs) -> Result<(), Failure> {
    let (platform, _) = demo::open_existing(&args.settings).await?;
    match args.id {
        Some(id) => {
            let found = platform.mail.show(id.parse()?).await?;
            let mail = found.ok_or_else(|| Failure::new(format!("there is no mail {id}")))?;
            match mail.body {
                Some(body) => {
                    say(&format!("To: {}\nSubject: {}\n\n{}", body.to.as_str(), body.subject, body.text))
                }
                None => say("The person was erased: this mail cannot be read any more."),
            }
        }
        None => {
            for mail in platform.mail.list(50).await? {
                say(&format!("{}  {}  {:?}  {:?}", mail.id, mail.created_at, mail.kind, mail.state));
            }
        }
    }
    platform.store.close().await;
    Ok(())
}

/// What is in the folder `keys` beside the keys of persons: without them a copy could not be opened.
const KEY_FILES: [&str; 4] = ["local-secrets.json", "tokens.pem", "tokens-former.json", "audit.pem"];

pub(crate) fn backup(args: BackupArgs) -> Result<(), Failure> {
    let config = args.settings.load()?;
    let from = config.data_dir;
    if let Some(options) = config.store.postgres()? {
        let (place, keys) = (options.place(), from.join("keys"));
        return Err(Failure::new(format!(
            "the store is {place}: copy it with pg_dump, and after that the folder {}",
            keys.display()
        )));
    }
    if !emporia_store_sqlite::holds_data(&from) {
        return Err(demo::no_data(&from));
    }
    emporia_store_sqlite::backup(&from, &args.to, Timestamp::now())?;
    // Keys after the data: of everybody who is in the copy there is a key, unless he was erased meanwhile.
    let keys = args.to.join("keys");
    make_directory(&keys)?;
    emporia_vault::backup(&from.join("keys").join(PERSONS), &keys.join(PERSONS))?;
    copy_keys(&from.join("keys"), &keys)?;
    say(&format!("Copied to {}. Keep the folder keys apart from the rest.", args.to.display()));
    Ok(())
}

/// Copies the key files that are there, with their permissions.
fn copy_keys(from: &Path, to: &Path) -> Result<(), Failure> {
    for name in KEY_FILES {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name))?;
        }
    }
    Ok(())
}

pub(crate) fn restore(args: RestoreArgs) -> Result<(), Failure> {
    let config = args.settings.load()?;
    let to = config.data_dir;
    if let Some(options) = config.store.postgres()? {
        let (place, keys) = (options.place(), to.join("keys"));
        return Err(Failure::new(format!(
            "the store is {place}: put its dump back with pg_restore or psql into an empty database, and the folder keys \
             as of the same time or later to {}",
            keys.display()
        )));
    }
    let manifest = emporia_store_sqlite::restore(&args.from, &to)?;
    say(&format!("Restored into {} as of {}.", to.display(), manifest.at));
    let (from, keys) = (args.from.join("keys"), to.join("keys"));
    if keys.join(PERSONS).exists() {
        say("The keys that are in the directory were kept: who was erased since stays erased.");
    } else if from.join(PERSONS).exists() {
        make_directory(&keys)?;
        std::fs::copy(from.join(PERSONS), keys.join(PERSONS))?;
        copy_keys(&from, &keys)?;
        say(
            "The keys are the copy's: who was erased since has to be erased again. If you have the directory's own \
             keys/persons.db, put it in before you start.",
        );
    } else {
        say("There are no keys in the copy: put the folder keys into the directory before you start.");
    }
    Ok(())
}

pub(crate) fn config(command: ConfigCommand) -> Result<(), Failure> {
    let ConfigCommand::Check { settings } = command;
    let config = settings.load()?;
    say(&format!("data_dir   {}", config.data_dir.display()));
    say(&format!("listen     {}", config.listen));
    match config.store.postgres()? {
        Some(options) => say(&format!("store      {}", options.place())),
        None => say(&format!("store      SQLite, layout {:?}", config.store.layout)),
    }
    say(&format!("payments   {}", config.payments.base_url));
    let policies = config.policies()?;
    say(&format!("may grant  {}", policies.names().collect::<Vec<_>>().join(", ")));
    say(&format!("roles      {}", format!("{:?}", config.roles).to_lowercase()));
    match config.require_production() {
        Ok(()) => say("Ready for `emporia serve`."),
        Err(missing) => say(&format!("Not yet ready for `emporia serve`: {missing}")),
    }
    Ok(())
}

/// The supergraph of rooms that are opened in a directory of their own, which goes away again.
pub(crate) async fn schema() -> Result<(), Failure> {
    let dir = std::env::temp_dir().join(format!("emporia-schema-{}", std::process::id()));
    let settings = Settings { config: None, data_dir: Some(dir.clone()) };
    let mut config = settings.load()?;
    local::fill_in(&mut config)?;
    let (platform, _) = demo::open(&settings).await?;
    let printed = graph::supergraph(&platform).map(|supergraph| supergraph.sdl().to_owned());
    platform.store.close().await;
    std::fs::remove_dir_all(&dir)?;
    say(printed?.trim_end());
    Ok(())
}
