//! Connections that only read.

use crate::{
    PostgresOptions,
    connect::Connector,
    fault::{fault, is_cut, pool_fault},
};
use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use emporia_store::StoreError;
use std::{sync::Arc, time::Duration};
use tokio_postgres::{Config, Row, types::ToSql};

/// A pool: who finds all connections in use waits for one.
pub(crate) struct Readers {
    pool: Pool,
    place: Arc<str>,
}

/// The longest one waits for a connection to become free, or to be made.
const WAIT: Duration = Duration::from_secs(10);
/// When a reading whose connection was cut is tried again: a server that restarts costs its readers a moment.
const AGAIN: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(400),
    Duration::from_secs(1),
];

pub(crate) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Readers {
    pub(crate) fn new(connector: Connector, options: &PostgresOptions) -> Result<Self, StoreError> {
        let place = Arc::clone(&connector.place);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        // The connector has its own configuration.
        let manager = Manager::from_connect(Config::new(), connector, recycling);
        let timeouts = Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) };
        let pool = Pool::builder(manager).max_size(options.readers).timeouts(timeouts);
        let pool = pool
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Unusable { what: place.to_string(), reason: error.to_string() })?;
        Ok(Self { pool, place })
    }

    /// What one statement answers. Since it changes nothing, it is tried again when its connection is cut.
    pub(crate) async fn rows(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, StoreError> {
        let mut again = AGAIN.iter();
        loop {
            let error = match self.client().await {
                Ok(client) => match ask(&client, sql, parameters).await {
                    Ok(rows) => return Ok(rows),
                    Err(error) => error,
                },
                Err(PoolError::Backend(error)) => error,
                Err(error) => return Err(pool_fault(&error, &self.place)),
            };
            match again.next() {
                Some(pause) if is_cut(&error) => tokio::time::sleep(*pause).await,
                _ => return Err(fault(&error, &self.place)),
            }
        }
    }

    /// A connection for more than one statement.
    pub(crate) async fn client(&self) -> Result<Object, PoolError> {
        self.pool.get().await
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }
}

async fn ask(
    client: &Object,
    sql: &str,
    parameters: Parameters<'_>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.query(&statement, parameters).await
}
