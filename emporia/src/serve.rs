//! Running: open the rooms, start the tasks, answer HTTP until told to stop.

use crate::platform::{OpenError, Parts, Platform, Tasks};
use axum::Router;
use emporia_store::StoreError;
use std::{
    future::{Future, IntoFuture},
    net::SocketAddr,
    time::Duration,
};
use tokio::net::TcpListener;

/// How long what is under way may take when the server is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Why the server does not start or ends.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A room does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The tasks do not start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Erasures cannot be repeated on a restored store.
    #[error(transparent)]
    Customers(#[from] emporia_customers::CustomersError),
    /// The graph does not compose.
    #[error(transparent)]
    Graph(#[from] crate::graph::GraphError),
    /// The address cannot be used.
    #[error("cannot listen on {address}: {source}; use --listen to choose another address")]
    Listen {
        /// Which.
        address: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The server broke down.
    #[error("the HTTP server stopped: {0}")]
    Http(std::io::Error),
}

/// Takes an address.
///
/// # Errors
/// [`ServeError::Listen`].
pub async fn listen(address: &str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen { address: address.to_owned(), source })
}

/// Opens the rooms and starts what runs behind them.
///
/// # Errors
/// [`ServeError`].
pub async fn open(parts: Parts) -> Result<(Platform, Tasks), ServeError> {
    let platform = Platform::open(parts).await?;
    // A store that was restored from an older copy does not bring back whom the key file knows to be erased.
    let again = platform.customers.replay_erasures().await?;
    if again > 0 {
        tracing::warn!(
            persons = again,
            "persons who were erased after this copy of the store was made are erased again"
        );
    }
    let tasks = Tasks::start(&platform).await?;
    Ok((platform, tasks))
}

/// Answers HTTP until `stop`, then lets what is under way end.
///
/// # Errors
/// [`ServeError`].
pub async fn run(
    platform: &Platform,
    tasks: Tasks,
    router: Router,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let served = answer(router, listener, stop).await;
    tasks.stop().await;
    platform.store.close().await;
    served
}

/// Answers HTTP until `stop`, without anything behind it that has to be closed.
///
/// # Errors
/// [`ServeError::Http`].
pub async fn answer(
    router: Router,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let stop = async move {
        stop.await;
        // Nobody waiting for it means that the server has ended already.
        let _ = stopping.send(());
    };
    // Listeners to events never end by themselves: what is not done when the grace is over is cut off.
    let over = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    let served = tokio::select! {
        served = axum::serve(listener, router).with_graceful_shutdown(stop).into_future() => served,
        () = over => Ok(()),
    };
    served.map_err(ServeError::Http)
}

/// Ctrl-C, or the signal that service managers send.
pub async fn stop_signal() {
    let interrupt = async {
        // Without a handler for it the process ends the hard way, which the store survives.
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
