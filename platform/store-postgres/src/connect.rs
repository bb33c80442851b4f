//! Making connections.

use crate::PostgresOptions;
use deadpool_postgres::{ClientWrapper, Connect};
use emporia_store::StoreError;
use rustls_platform_verifier::BuilderVerifierExt;
use std::{future::Future, pin::Pin, sync::Arc};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Connection, Error, Socket, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What every session is told.
///
/// The plans are fixed: whatever is asked for here is found through one index, also while the tables are still empty
/// and the planner would rather walk them; and one plan for all parameters spares planning at every execution.
/// A process that stops in the middle of a transaction must not hold the writers' lock for long.
const SETTINGS: &str = "-c default_transaction_isolation=read\\ committed -c plan_cache_mode=force_generic_plan \
     -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off \
     -c statement_timeout=30s -c lock_timeout=15s -c idle_in_transaction_session_timeout=5s \
     -c client_min_messages=warning";

#[derive(Clone)]
pub(crate) struct Connector {
    config: Arc<Config>,
    tls: MakeRustlsConnect,
    /// The server and database, for messages.
    pub(crate) place: Arc<str>,
}

impl Connector {
    pub(crate) fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        let unusable = |error: rustls::Error| StoreError::Unusable {
            what: options.place.to_string(),
            reason: format!("TLS: {error}"),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(unusable)?;
        let tls = match &options.roots {
            Some(roots) => tls.with_root_certificates(Arc::clone(roots)),
            None => tls.with_platform_verifier().map_err(unusable)?,
        };
        let tls = tls.with_no_client_auth();
        let mut config = options.config.clone();
        let own = config.get_options().unwrap_or_default();
        let all = format!("{own} -c search_path={} {SETTINGS}", options.schema);
        config.options(all);
        Ok(Self { config: Arc::new(*config), tls: MakeRustlsConnect::new(tls), place: options.place.clone() })
    }

    /// A connection that somebody else must drive.
    pub(crate) async fn raw(&self) -> Result<(Client, Connection<Socket, Stream>), Error> {
        self.config.connect(self.tls.clone()).await
    }

    /// A connection with a task that drives it.
    pub(crate) async fn client(&self) -> Result<ClientWrapper, Error> {
        let (client, driver) = self.driven().await?;
        Ok(ClientWrapper::new(client, driver))
    }

    async fn driven(&self) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, connection) = self.raw().await?;
        let place = Arc::clone(&self.place);
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                // Whoever waits for an answer hears of it too.
                tracing::debug!(%error, %place, "a connection ended");
            }
        });
        Ok((client, driver))
    }
}

pub(crate) type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

/// For the pool of readers.
impl Connect for Connector {
    fn connect(&self, _: &Config) -> Connecting<'_> {
        Box::pin(self.driven())
    }
}
