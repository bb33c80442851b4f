//! The command line.

mod apikey;
mod audit;
mod demo;
mod events;
mod front;
mod import;
mod keys;
mod local;
mod maintain;

use crate::{
    config::{Config, Roles},
    platform::Platform,
};
use clap::{Args, Parser, Subcommand};
use emporia_audit::Author;
use emporia_contracts::context::system_meta;
use emporia_events::EventMeta;
use std::{path::PathBuf, process::ExitCode};

/// The open unified-commerce backbone.
///
/// Everything runs in one process on one machine by default. Start with `emporia demo`.
#[derive(Debug, Parser)]
#[command(name = "emporia", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything with a sample retailer.
    Demo(demo::DemoArgs),
    /// Start for production: no sample data, no GraphiQL, secrets required.
    Serve(ServeArgs),
    /// Start the gateway alone, before subgraphs that are reached over HTTP.
    Gateway(front::GatewayArgs),
    /// Replay the history of another system.
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Operators and associates.
    #[command(subcommand)]
    Operator(maintain::OperatorCommand),
    /// Whether everything adds up.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Rules of the event bus, tried before they are put.
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Keys with which other systems ask.
    #[command(subcommand)]
    Apikey(apikey::ApikeyCommand),
    /// The keys that sign access tokens.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The mail outbox.
    Mail(maintain::MailArgs),
    /// Copy all data to a directory, while the server works.
    Backup(maintain::BackupArgs),
    /// Put a copy back into a directory without data.
    Restore(maintain::RestoreArgs),
    /// The configuration.
    #[command(subcommand)]
    Config(maintain::ConfigCommand),
    /// Make a secret for the configuration: 32 random bytes in base 64.
    Secret,
    /// Run the test payment provider on its own.
    Testpay(demo::TestpayArgs),
    /// Print the supergraph.
    Schema,
}

/// Where settings come from: flags win over `EMPORIA_…` variables, those over the file.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// The configuration file.
    #[arg(long, value_name = "FILE", env = "EMPORIA_CONFIG")]
    config: Option<PathBuf>,
    /// Where the data lives [default: emporia-data].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Settings {
    /// The configuration with the flags put in.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(dir) = &self.data_dir {
            config.data_dir.clone_from(dir);
        }
        Ok(config)
    }
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    settings: Settings,
    /// Address of the HTTP server [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// What this process does [default: all].
    #[arg(long, value_name = "ROLES")]
    roles: Option<Roles>,
}

/// As what a command acts.
pub(crate) const COMMAND_LINE: &str = "command-line";

/// What events say of a command, and in whose name it writes: what it changes is recorded.
pub(crate) fn by_command(platform: &Platform, command: &str) -> (EventMeta, Author) {
    let meta = system_meta(COMMAND_LINE, platform.ids.next_uuid().to_string(), None);
    let author = Author::new(&*meta.actor, command, &*meta.correlation_id);
    (meta, author)
}

/// What ends a command: a message for people.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            // Transparent errors repeat their cause's words.
            if !text.contains(&cause.to_string()) {
                text = format!("{text}: {cause}");
            }
            source = cause.source();
        }
        Self(text)
    }
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the command printed says what is wrong.
    pub(crate) fn told() -> Self {
        Self(String::new())
    }
}

/// Runs the command of this process. Exit codes: 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}")),
    };
    match runtime.block_on(run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text)) if text.is_empty() => ExitCode::FAILURE,
        Err(Failure(text)) => fail(&text),
    }
}

#[allow(clippy::print_stderr, reason = "this is the command's answer to the person who ran it")]
fn fail(text: &str) -> ExitCode {
    eprintln!("emporia: {text}");
    ExitCode::FAILURE
}

/// Prints to standard output; a reader that went away (`| head`) is no failure.
pub(crate) fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::demo(args).await,
        Command::Serve(args) => serve(args).await,
        Command::Gateway(args) => front::gateway(args).await,
        Command::Import(command) => import::run(command).await,
        Command::Operator(command) => maintain::operator(command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Events(command) => events::events(command),
        Command::Apikey(command) => apikey::apikey(command).await,
        Command::Keys(command) => keys::keys(command),
        Command::Mail(args) => maintain::mail(args).await,
        Command::Backup(args) => maintain::backup(args),
        Command::Restore(args) => maintain::restore(args),
        Command::Config(command) => maintain::config(command),
        Command::Secret => {
            say(&emporia_vault::MasterKey::generate().to_base64());
            Ok(())
        }
        Command::Testpay(args) => demo::testpay(args).await,
        Command::Schema => maintain::schema().await,
    }
}

async fn serve(args: ServeArgs) -> Result<(), Failure> {
    use crate::{client::Proxies, platform::Parts, serve, split, web};
    let mut config = args.settings.load()?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    if let Some(roles) = args.roles {
        config.roles = roles;
    }
    config.require_production()?;
    emporia_telemetry::logs(local::style(&config), "info")?;
    let metrics = emporia_telemetry::metrics()?;
    let listener = serve::listen(&config.listen).await?;
    let proxies = Proxies::trusted(&config.trusted_proxies);
    let passes = split::Passes::new(&config.secrets.internal_key, local::clock());
    if config.roles == Roles::Gateway {
        let ids = emporia_id::Ids::random(local::clock());
        let commerce = split::gateway::Commerce::new(config.commerce.urls.clone(), passes, ids)?;
        let router = split::gateway::router(commerce, config.gateway.clone(), Some(metrics), proxies)?;
        tracing::info!(listen = %config.listen, commerce = ?config.commerce.urls, "ready");
        return Ok(serve::answer(router, listener, serve::stop_signal()).await?);
    }
    let (platform, tasks) = serve::open(Parts::of(&config, local::clock())?).await?;
    let router = match config.roles {
        Roles::Commerce => split::commerce::router(&platform, passes, Some(metrics)),
        Roles::All | Roles::Gateway => {
            let gateway = config.gateway.clone();
            let metrics = Some(metrics);
            let options = web::WebOptions { gateway, graphiql: false, examples: vec![], metrics, proxies };
            web::router(&platform, options)?
        }
    };
    tracing::info!(listen = %config.listen, data_dir = %config.data_dir.display(), "ready");
    serve::run(&platform, tasks, router, listener, serve::stop_signal()).await?;
    Ok(())
}
