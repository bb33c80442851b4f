use crate::{
    cli::{Failure, Settings, demo, say},
    import::online_retail,
};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// The Online Retail data set (UCI; 541,909 rows): catalogue, customers, stock, and every row at its own time.
    OnlineRetail {
        /// The file, plain or gzipped.
        file: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
}

pub(crate) async fn run(command: ImportCommand) -> Result<(), Failure> {
    let ImportCommand::OnlineRetail { file, settings } = command;
    emporia_telemetry::logs(emporia_telemetry::LogStyle::Text, "warn")?;
    let started = Instant::now();
    let (platform, _) = demo::open(&settings).await?;
    let bar = std::io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {per_sec}, {eta} to go");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar
    });
    let told = AtomicU64::new(0);
    let progress = |done: u64, total: u64| match &bar {
        Some(bar) => {
            bar.set_length(total);
            bar.set_position(done);
        }
        // Without a terminal a line for every tenth.
        None => {
            let tenth = (done * 10).checked_div(total).unwrap_or(0);
            if told.swap(tenth, Ordering::Relaxed) != tenth {
                tracing::warn!(rows = done, total, seconds = started.elapsed().as_secs(), "importing");
            }
        }
    };
    let imported = tokio::select! {
        report = online_retail::run(&platform, &file, &progress) => Some(report?),
        () = crate::serve::stop_signal() => None,
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    platform.store.close().await;
    match imported {
        Some(report) => {
            say(&report.to_string());
            say(&format!("Done in {:.1} s.", started.elapsed().as_secs_f64()));
        }
        None => say("Stopped. What is recorded stays; run the same command again to go on."),
    }
    Ok(())
}
