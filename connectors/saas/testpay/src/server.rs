//! The server: accepts connections, runs the worker, stops cleanly.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    config::Config,
    faults::Faults,
    http::{self, App, HangUp},
    ledger::Ledger,
    worker::Worker,
};

/// Connections served at the same time.
const CONNECTIONS: usize = 1024;
/// How long calls under way may take to end when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration is wrong; nothing was started.
    #[error("the test payment provider's configuration is wrong: {0}")]
    Config(String),
    /// The ledger could not be opened; nothing was started.
    #[error("the test payment provider's ledger in {dir} could not be opened: {reason}")]
    Ledger {
        /// The data directory.
        dir: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The listener failed.
    #[error("the test payment provider cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// Runs the test payment provider until `shutdown` is ready; calls under way may end, webhooks not yet delivered stay
/// in the ledger for the next run.
///
/// Dropping the future stops everything at once, which loses nothing that was acknowledged.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let config = Arc::new(config.checked(listener.local_addr()?)?);
    let wake = Arc::new(Notify::new());
    let ledger = open(config.clone(), wake.clone()).await?;
    let app = App { config: config.clone(), ledger: ledger.clone(), faults: Arc::new(Faults::default()) };
    let router = http::router(app);
    let worker = Worker { config: config.clone(), ledger, wake }.run();
    tracing::info!(address = config.public_url, "test payment provider ready");

    let stop = CancellationToken::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    let mut worker = std::pin::pin!(worker);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            ended = &mut worker => {
                let reason = ended.err().unwrap_or_else(|| "it has stopped".into());
                return Err(ServeError::Ledger { dir: config.data_dir.clone(), reason });
            }
            stream = accept(&listener, &places) => {
                let (stream, place) = stream;
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    connection(stream, router, stop).await;
                    drop(place);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
    stop.cancel();
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        tracing::info!("calls still under way are cut off");
    }
    Ok(())
}

async fn open(config: Arc<Config>, wake: Arc<Notify>) -> Result<Ledger, ServeError> {
    let dir = config.data_dir.clone();
    let opened = tokio::task::spawn_blocking(move || Ledger::open(config, wake)).await;
    let reason = match opened {
        Ok(Ok(ledger)) => return Ok(ledger),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(ServeError::Ledger { dir, reason })
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<tokio::sync::OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                // Out of file descriptors, or a client that was gone already: neither ends the server.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a test asked to hang up")]
struct HungUp;

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let router = router.clone();
        async move {
            let answered: Result<Response, Infallible> = router.oneshot(request.map(Body::new)).await;
            match answered {
                Ok(response) if response.extensions().get::<HangUp>().is_some() => Err(HungUp),
                Ok(response) => Ok(response),
                Err(never) => match never {},
            }
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
