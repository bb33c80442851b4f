//! Secrets of a data directory that no configuration names any for: made on first use, readable by its owner only.

use crate::{
    cli::Failure,
    config::{Config, LogFormat},
};
use emporia_id::{Ids, SharedClock, SystemClock};
use emporia_store_sqlite::make_directory;
use emporia_telemetry::LogStyle;
use emporia_vault::MasterKey;
use serde::{Deserialize, Serialize};
use std::{fs, io::Write, path::Path, sync::Arc};

#[derive(Serialize, Deserialize)]
struct Secrets {
    master_key: String,
    email_pepper: String,
    payments_secret_key: String,
    payments_webhook_secret: String,
}

/// The machine's clock.
pub(crate) fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// How log lines look.
pub(crate) fn style(config: &Config) -> LogStyle {
    match config.log_format {
        LogFormat::Text => LogStyle::Text,
        LogFormat::Json => LogStyle::Json,
    }
}

/// Fills in the secrets that the configuration leaves open, from the data directory.
pub(crate) fn fill_in(config: &mut Config) -> Result<(), Failure> {
    let secrets = load(&config.data_dir)?;
    let fill = |value: &mut String, from: String| {
        if value.is_empty() {
            *value = from;
        }
    };
    fill(&mut config.secrets.master_key, secrets.master_key);
    fill(&mut config.secrets.email_pepper, secrets.email_pepper);
    fill(&mut config.payments.secret_key, secrets.payments_secret_key);
    fill(&mut config.payments.webhook_secret, secrets.payments_webhook_secret);
    Ok(())
}

fn load(data_dir: &Path) -> Result<Secrets, Failure> {
    let path = data_dir.join("keys").join("local-secrets.json");
    let failed = |what: &dyn std::fmt::Display| Failure::new(format!("{}: {what}", path.display()));
    match fs::read(&path) {
        Ok(bytes) => return serde_json::from_slice(&bytes).map_err(|e| failed(&e)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&error)),
    }
    let secrets = Secrets {
        master_key: MasterKey::generate().to_base64().to_string(),
        email_pepper: MasterKey::generate().to_base64().to_string(),
        payments_secret_key: format!("sk_local_{}", Ids::random(clock()).secret()),
        payments_webhook_secret: format!("whsec_{}", MasterKey::generate().to_base64().as_str()),
    };
    make_directory(&data_dir.join("keys")).map_err(|e| failed(&e))?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(|e| failed(&e))?;
    let bytes = serde_json::to_vec_pretty(&secrets).map_err(|e| failed(&e))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|e| failed(&e))?;
    Ok(secrets)
}
