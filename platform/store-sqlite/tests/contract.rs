//! The port's contract, in both layouts of files.

use async_trait::async_trait;
use emporia_id::SharedClock;
use emporia_store::{SpaceSchema, Store, StoreError, contract::Fixture};
use emporia_store_sqlite::{Durability, Layout, SqliteOptions, open};
use tempfile::TempDir;

struct Files {
    directory: TempDir,
    layout: Layout,
}

impl Files {
    fn new(layout: Layout) -> Self {
        Self { directory: TempDir::new().expect("a temporary directory"), layout }
    }
}

#[async_trait]
impl Fixture for Files {
    async fn open(&self, schemas: Vec<SpaceSchema>, clock: SharedClock) -> Result<Store, StoreError> {
        let options = SqliteOptions::new(self.directory.path()).layout(self.layout).clock(clock);
        open(options.durability(Durability::None), schemas).await
    }
}

mod shared {
    use super::{Files, Layout};
    emporia_store::contract_tests!(Files::new(Layout::Shared));
}

mod per_service {
    use super::{Files, Layout};
    emporia_store::contract_tests!(Files::new(Layout::PerService));
}
