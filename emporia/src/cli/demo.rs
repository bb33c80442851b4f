use crate::{
    cli::{Failure, Settings, local, say},
    demo,
    platform::{Parts, Platform},
    serve,
    web::{self, WebOptions},
};
use clap::Args;
use emporia_testpay::{Config as Testpay, Secret, WebhookTarget};
use std::{path::PathBuf, time::Instant};
use tokio::sync::watch;

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    settings: Settings,
    /// Address of the HTTP server.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Address of the test payment provider: another origin, so that cards never reach the shop.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    psp_listen: String,
    /// Forget what is in the data directory and begin anew.
    #[arg(long)]
    fresh: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TestpayArgs {
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    listen: String,
    /// Where its ledger lives.
    #[arg(long, value_name = "DIR", default_value = "testpay-data")]
    data_dir: PathBuf,
    /// The merchant's key.
    #[arg(long, env = "EMPORIA_TESTPAY_SECRET_KEY", hide_env_values = true)]
    secret_key: String,
    /// Where webhooks go.
    #[arg(long, value_name = "URL", requires = "webhook_secret")]
    webhook_url: Option<String>,
    /// What webhooks are signed with: `whsec_…`.
    #[arg(long, env = "EMPORIA_TESTPAY_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// Offer switches for faults (tests).
    #[arg(long)]
    test_controls: bool,
}

/// What is only in a data directory of ours: `--fresh` removes nothing else.
const OURS: [&str; 6] = ["keys", "outbox", "testpay", BEGUN, DONE, "lock"];
/// Marks a directory that the demo made.
const BEGUN: &str = "sample.begun";
/// Marks a directory that has the whole sample retailer.
const DONE: &str = "sample.done";

pub(crate) async fn demo(args: DemoArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let mut config = args.settings.load()?;
    config.listen = args.listen;
    config.gateway = emporia_gateway::Config::demo();
    emporia_telemetry::logs(local::style(&config), "warn")?;
    if config.store.url.is_some() {
        // What marks the data as the demo's, and what --fresh removes, is in the directory.
        return Err(Failure::new("the demo keeps its data in files: run it without store.url"));
    }
    // The addresses first: while another demo answers there, nothing of its data is touched.
    let (listener, psp) = (serve::listen(&config.listen).await?, serve::listen(&args.psp_listen).await?);
    of_the_demo(&config.data_dir)?;
    if args.fresh {
        begin_anew(&config.data_dir)?;
    }
    emporia_store_sqlite::make_directory(&config.data_dir)?;
    std::fs::write(config.data_dir.join(BEGUN), b"The demo made this directory; --fresh may empty it.\n")?;
    local::fill_in(&mut config)?;
    let metrics = emporia_telemetry::metrics()?;
    let psp_address = psp.local_addr()?;
    let address = listener.local_addr()?;
    config.payments.base_url = format!("http://{psp_address}");
    if config.passkeys.relying_party.is_empty() {
        // Browsers take passkeys for the name of this machine, not for its address.
        config.passkeys.relying_party = "localhost".into();
        config.passkeys.origins = vec![format!("http://localhost:{}", address.port())];
    }

    let (stop, stopped) = watch::channel(false);
    let mut testpay = Testpay::new(config.data_dir.join("testpay"), config.payments.secret_key.clone());
    testpay.webhook = Some(WebhookTarget {
        url: format!("http://{address}/webhooks/payments"),
        secret: Secret::new(config.payments.webhook_secret.clone()),
    });
    testpay.test_controls = true;
    let provider = tokio::spawn(emporia_testpay::serve(testpay, psp, until(stopped.clone())));

    let (platform, tasks) = serve::open(Parts::of(&config, local::clock())?).await?;
    let marker = config.data_dir.join(DONE);
    if !marker.exists() {
        demo::seed(&platform).await?;
        std::fs::write(&marker, b"The sample retailer is in this directory.\n")?;
    }
    let options = WebOptions {
        gateway: config.gateway.clone(),
        graphiql: true,
        examples: demo::examples(),
        metrics: Some(metrics),
        proxies: crate::client::Proxies::trusted(&config.trusted_proxies),
    };
    say(&demo::welcome(&address.to_string(), &psp_address.to_string(), &config.data_dir, started.elapsed()));
    let server =
        serve::run(&platform, tasks, web::router(&platform, options)?, listener, serve::stop_signal()).await;
    // The provider goes last: what the shop had under way could still reach it.
    let _ = stop.send(true);
    provider.await??;
    server?;
    say("Stopped. The data is kept; the next start goes on from here.");
    Ok(())
}

/// Ends when it is told to, or when nobody is left who could tell.
async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Refuses a directory with the data of somebody's shop: samples do not belong there, and `--fresh` even less.
fn of_the_demo(dir: &std::path::Path) -> Result<(), Failure> {
    let ours = [BEGUN, DONE].iter().any(|mark| dir.join(mark).exists());
    if ours || !emporia_store_sqlite::holds_data(dir) {
        return Ok(());
    }
    let what = "holds data that the demo did not make: give the demo a directory of its own by --data-dir";
    Err(Failure::new(format!("{} {what}", dir.display())))
}

/// Removes what is ours, and nothing else.
fn begin_anew(dir: &std::path::Path) -> Result<(), Failure> {
    if !dir.exists() {
        return Ok(());
    }
    emporia_store_sqlite::check_unused(dir)?;
    let mut ours = vec![];
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let database = [".db", ".db-wal", ".db-shm"].iter().any(|end| name.ends_with(end));
        if !(OURS.contains(&name) || database) {
            let what = format!(
                "{} is not something that Emporia made: --fresh leaves this directory alone",
                path.display()
            );
            return Err(Failure::new(what));
        }
        ours.push(path);
    }
    // Nothing goes before it is known that nothing has to stay, and the marks go last.
    ours.sort_by_key(|path| path.ends_with(BEGUN) || path.ends_with(DONE));
    for path in ours {
        if path.is_dir() { std::fs::remove_dir_all(&path)? } else { std::fs::remove_file(&path)? }
    }
    Ok(())
}

pub(crate) async fn testpay(args: TestpayArgs) -> Result<(), Failure> {
    emporia_telemetry::logs(emporia_telemetry::LogStyle::Text, "info")?;
    let listener = serve::listen(&args.listen).await?;
    let mut config = Testpay::new(args.data_dir, args.secret_key);
    config.webhook = match (args.webhook_url, args.webhook_secret) {
        (Some(url), Some(secret)) => Some(WebhookTarget { url, secret: Secret::new(secret) }),
        _ => None,
    };
    config.test_controls = args.test_controls;
    say(&format!("The test payment provider listens on http://{}", listener.local_addr()?));
    emporia_testpay::serve(config, listener, serve::stop_signal()).await?;
    Ok(())
}

/// Opens the rooms of a data directory that is there, without a server.
pub(crate) async fn open_existing(settings: &Settings) -> Result<(Platform, crate::config::Config), Failure> {
    let config = settings.load()?;
    let dir = config.data_dir;
    if config.store.url.is_none() && !emporia_store_sqlite::holds_data(&dir) {
        return Err(no_data(&dir));
    }
    open(settings).await
}

/// What a command says that finds no data where it looks.
pub(crate) fn no_data(dir: &std::path::Path) -> Failure {
    Failure::new(format!(
        "there is no data in {}: name the shop's directory by --data-dir or its configuration by --config",
        dir.display()
    ))
}

/// Opens the rooms of a data directory without a server, and makes the directory if need be.
pub(crate) async fn open(settings: &Settings) -> Result<(Platform, crate::config::Config), Failure> {
    let mut config = settings.load()?;
    local::fill_in(&mut config)?;
    let platform = Platform::open(Parts::of(&config, local::clock())?).await?;
    Ok((platform, config))
}
