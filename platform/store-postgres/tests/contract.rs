//! The port's contract.

use async_trait::async_trait;
use emporia_id::SharedClock;
use emporia_store::{SpaceSchema, Store, StoreError, contract::Fixture};
use emporia_store_postgres::{PostgresOptions, open};
use emporia_testpg::Database;

struct Place(Database);

#[async_trait]
impl Fixture for Place {
    async fn open(&self, schemas: Vec<SpaceSchema>, clock: SharedClock) -> Result<Store, StoreError> {
        open(PostgresOptions::new(self.0.url())?.clock(clock), schemas).await
    }
}

emporia_store::contract_tests!(match emporia_testpg::database() {
    Some(database) => Place(database),
    None => return,
});
