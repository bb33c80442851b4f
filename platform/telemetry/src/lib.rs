#![doc = include_str!("../README.md")]

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Why telemetry does not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Something else took the process's logger or recorder before.
    #[error("telemetry was already set up in this process: {0}")]
    Twice(String),
    /// The filter of log lines is not valid.
    #[error("EMPORIA_LOG is not a valid filter (use a level such as info, or target=level pairs): {0}")]
    Filter(String),
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStyle {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Begins to write log lines to standard error. `default` is the filter when `EMPORIA_LOG` is not set.
///
/// # Errors
/// [`TelemetryError`].
pub fn logs(style: LogStyle, default: &str) -> Result<(), TelemetryError> {
    let wanted = std::env::var("EMPORIA_LOG").unwrap_or_else(|_| default.to_owned());
    let filter = EnvFilter::try_new(&wanted).map_err(|e| TelemetryError::Filter(e.to_string()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match style {
        LogStyle::Text => builder.with_target(false).compact().try_init(),
        LogStyle::Json => builder.json().try_init(),
    }
    .map_err(|e| TelemetryError::Twice(e.to_string()))
}

/// Begins to keep metrics; durations (names that end in `_seconds`) as histograms from 0.5 ms to 10 s.
///
/// # Errors
/// [`TelemetryError::Twice`].
pub fn metrics() -> Result<PrometheusHandle, TelemetryError> {
    const SECONDS: [f64; 13] =
        [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|e| TelemetryError::Twice(e.to_string()))
}
