//! The rooms, wired: one store, every service, the tasks behind them.

mod memory;
mod tasks;

use crate::config::Config;
use emporia_audit::{AuditLog, ChainKey};
use emporia_auth::{AccessTokens, KeyError, KeyedHash, PasswordCost, PasswordError, Passwords, TokenOptions};
use emporia_carts::{CartsDeps, CartsService};
use emporia_catalog::CatalogService;
use emporia_channels::ChannelsService;
use emporia_checkout::{CheckoutDeps, CheckoutService};
use emporia_contracts::payments::PaymentProvider;
use emporia_customers::{CustomersDeps, CustomersOptions, CustomersService, Policies, RelyingParty};
use emporia_events::{Bookmark, Following, Live};
use emporia_id::{Ids, SharedClock};
use emporia_inventory::InventoryService;
use emporia_mail::{MailError, MailOptions, MailService};
use emporia_oidc::Provider;
use emporia_orders::OrdersService;
use emporia_payments::PaymentsService;
use emporia_pricing::PricingService;
use emporia_store::{SpaceSchema, Store, StoreError};
use emporia_store_postgres::PostgresOptions;
use emporia_store_sqlite::{Durability, Layout, SqliteOptions, make_directory};
use emporia_tax::TaxService;
use emporia_vault::{MasterKey, Vault, VaultError};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use tasks::Tasks;
pub(crate) use tasks::follows;

/// What the rooms need from outside.
pub struct Parts {
    /// Where the data lives.
    pub data_dir: PathBuf,
    /// What keeps the store.
    pub engine: Engine,
    /// The clock of everything.
    pub clock: SharedClock,
    /// Ids and secrets.
    pub ids: Ids,
    /// Wraps the keys of persons.
    pub master_key: MasterKey,
    /// What roles permit.
    pub roles: Policies,
    /// Hashes mail addresses in indexes.
    pub email_pepper: Vec<u8>,
    /// Who takes the money.
    pub provider: Arc<dyn PaymentProvider>,
    /// For which site passkeys are made.
    pub passkeys: Option<RelyingParty>,
    /// By whose word customers sign in, by their names in the API.
    pub providers: BTreeMap<String, Provider>,
    /// Whether passwords are hashed cheaply: only tests do.
    pub cheap_passwords: bool,
}

/// What keeps the store.
#[derive(Debug, Clone)]
pub enum Engine {
    /// Files in the data directory.
    Sqlite {
        /// How they are laid out.
        layout: Layout,
        /// Whether they are flushed: only tests do without.
        durability: Durability,
    },
    /// A database, which other processes may use too.
    Postgres(PostgresOptions),
}

/// Why the rooms do not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The prices in memory.
    #[error(transparent)]
    Pricing(#[from] emporia_pricing::PricingError),
    /// The mail outbox.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The keys of persons.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The keys of tokens and of the audit log.
    #[error(transparent)]
    TokenKey(#[from] KeyError),
    /// The hashing of passwords.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// The data directory.
    #[error("the data directory {path}: {source}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// A setting.
    #[error("{0}")]
    Setting(String),
}

/// Every room, open.
#[derive(Clone)]
pub struct Platform {
    /// The store behind all rooms.
    pub store: Store,
    /// Keys of persons.
    pub vault: Vault,
    /// Ids and secrets.
    pub ids: Ids,
    /// Channels.
    pub channels: ChannelsService,
    /// Catalogue.
    pub catalog: CatalogService,
    /// Prices.
    pub pricing: PricingService,
    /// Tax.
    pub tax: TaxService,
    /// Stock.
    pub inventory: InventoryService,
    /// Carts.
    pub carts: CartsService,
    /// Checkouts.
    pub checkout: CheckoutService,
    /// Payments.
    pub payments: PaymentsService,
    /// Orders.
    pub orders: OrdersService,
    /// Customers and operators.
    pub customers: CustomersService,
    /// The mail outbox.
    pub mail: MailService,
    /// Who changed what.
    pub audit: AuditLog,
    /// Signs the chain of what was changed.
    pub chain_key: ChainKey,
    /// Events as they are committed.
    pub live: Live,
    /// How far what the rooms keep in memory has followed the log; none where no other process uses the store.
    pub following: Option<Following>,
}

/// The key-spaces of all rooms.
pub fn spaces() -> Vec<SpaceSchema> {
    vec![
        emporia_channels::space(),
        emporia_catalog::space(),
        emporia_pricing::space(),
        emporia_tax::space(),
        emporia_inventory::space(),
        emporia_carts::space(),
        emporia_checkout::space(),
        emporia_payments::space(),
        emporia_orders::space(),
        emporia_customers::space(),
        emporia_mail::space(),
        tasks::space(),
        crate::import::space(),
        emporia_audit::space(),
    ]
}

impl Parts {
    /// The parts that a configuration describes.
    ///
    /// # Errors
    /// [`OpenError::Setting`] says which setting is wrong.
    pub fn of(config: &Config, clock: SharedClock) -> Result<Self, OpenError> {
        let setting = |e: &dyn std::fmt::Display| OpenError::Setting(e.to_string());
        let payments = &config.payments;
        let client = emporia_testpay::TestpayClient::new(
            &payments.base_url,
            payments.secret_key.clone(),
            emporia_testpay::client::ClientTimeouts::default(),
        );
        let client = client.map_err(|e| setting(&format_args!("payments: {e}")))?;
        Ok(Self {
            data_dir: config.data_dir.clone(),
            engine: match config.store.postgres()? {
                Some(options) => Engine::Postgres(options),
                None => Engine::Sqlite { layout: config.store.layout.into(), durability: Durability::Full },
            },
            ids: Ids::random(clock.clone()),
            clock,
            master_key: MasterKey::from_base64(&config.secrets.master_key)
                .map_err(|e| setting(&format_args!("secrets.master_key: {e}")))?,
            roles: config.policies().map_err(|e| setting(&e))?,
            email_pepper: config.secrets.email_pepper.clone().into_bytes(),
            provider: Arc::new(emporia_testpay::TestpayProvider::new(
                client,
                payments.webhook_secret.clone(),
            )),
            providers: providers(config)?,
            passkeys: config.passkeys.relying_party().map_err(|e| setting(&format_args!("passkeys: {e}")))?,
            cheap_passwords: false,
        })
    }
}

impl Platform {
    /// Opens every room over one data directory.
    ///
    /// # Errors
    /// [`OpenError`] says which part, and what to do.
    pub async fn open(parts: Parts) -> Result<Self, OpenError> {
        let data_dir = parts.data_dir.clone();
        let directory = |source| OpenError::Directory { path: data_dir.clone(), source };
        let clock = parts.clock.clone();
        let store = match parts.engine.clone() {
            Engine::Sqlite { layout, durability } => {
                let options = SqliteOptions::new(&data_dir).layout(layout).durability(durability);
                emporia_store_sqlite::open(options.clock(clock), spaces()).await?
            }
            Engine::Postgres(options) => emporia_store_postgres::open(options.clock(clock), spaces()).await?,
        };
        // Before anything is read into memory, so that nothing is missed between reading and following.
        let bookmark = match &parts.engine {
            Engine::Sqlite { .. } => None,
            Engine::Postgres(_) => Some(Bookmark::new(Arc::new(store.clone())).await?),
        };
        let keys = parts.data_dir.join("keys");
        make_directory(&keys).map_err(directory)?;
        let vault = Vault::open(&keys.join(PERSONS), &parts.master_key)?;
        let ids = parts.ids.clone();

        let channels = ChannelsService::new(store.space("channels")?, ids.clone()).await?;
        let shared_channels: Arc<dyn emporia_contracts::channels::Channels> = Arc::new(channels.clone());
        let catalog =
            CatalogService::new(store.space("catalog")?, ids.clone(), shared_channels.clone()).await?;
        let pricing =
            PricingService::new(store.space("pricing")?, ids.clone(), shared_channels.clone()).await?;
        let tax = TaxService::new(store.space("tax")?, ids.clone()).await?;
        let inventory = InventoryService::new(store.space("inventory")?, ids.clone());
        let carts = CartsService::new(
            store.space("carts")?,
            ids.clone(),
            CartsDeps {
                channels: shared_channels.clone(),
                catalog: Arc::new(catalog.clone()),
                pricing: Arc::new(pricing.clone()),
                inventory: Arc::new(inventory.clone()),
            },
        );
        let payments = PaymentsService::new(store.space("payments")?, ids.clone(), parts.provider.clone());
        let orders = OrdersService::new(store.space("orders")?, ids.clone(), vault.clone());
        let customers = open_customers(&store, &parts, &vault, &keys)?;
        let outbox = MailOptions {
            outbox: parts.data_dir.join("outbox"),
            from: "Emporia <shop@example.com>".into(),
            shop: "Emporia".into(),
        };
        let mail = MailService::new(store.space("mail")?, vault.clone(), outbox)?;
        let checkout = CheckoutService::new(
            store.space("checkout")?,
            ids.clone(),
            vault.clone(),
            CheckoutDeps {
                channels: shared_channels,
                catalog: Arc::new(catalog.clone()),
                pricing: Arc::new(pricing.clone()),
                tax: Arc::new(tax.clone()),
                inventory: Arc::new(inventory.clone()),
                carts: Arc::new(carts.clone()),
                payments: Arc::new(payments.clone()),
                orders: Arc::new(orders.clone()),
                customers: Arc::new(customers.clone()),
            },
        )
        .await?;
        customers.set_rooms(vec![
            Arc::new(checkout.clone()),
            Arc::new(orders.clone()),
            Arc::new(mail.clone()),
        ]);
        let audit = AuditLog::new(store.clone())?;
        let chain_key = ChainKey::open(&chain_key(&parts.data_dir))?;
        let live = Live::follow(Arc::new(store.clone()));
        let mut platform = Self {
            store,
            vault,
            ids,
            channels,
            catalog,
            pricing,
            tax,
            inventory,
            carts,
            checkout,
            payments,
            orders,
            customers,
            mail,
            audit,
            chain_key,
            live,
            following: None,
        };
        let memory = Arc::new(memory::Memory::of(&platform));
        platform.following = bookmark.map(|bookmark| bookmark.follow(memory));
        Ok(platform)
    }
}

/// The signing key of tokens, in the folder `keys`.
const TOKEN_KEYS: &str = "tokens.pem";

/// Where a data directory has the signing key of tokens.
pub fn token_keys(data_dir: &Path) -> PathBuf {
    data_dir.join("keys").join(TOKEN_KEYS)
}

/// The file among the keys of a data directory that has those of persons.
pub(crate) const PERSONS: &str = "persons.db";

/// Where a data directory has the key that signs the audit log.
pub fn chain_key(data_dir: &Path) -> PathBuf {
    data_dir.join("keys").join("audit.pem")
}

/// For whom tokens are, and how long they hold.
pub fn token_options() -> TokenOptions {
    TokenOptions::new("emporia")
}

/// The identity providers of a configuration.
fn providers(config: &Config) -> Result<BTreeMap<String, Provider>, OpenError> {
    let client = |(key, provider): (&String, &crate::config::ProviderConfig)| {
        let wrong = |error| OpenError::Setting(format!("identity_providers.{key}: {error}"));
        Ok((key.clone(), provider.client(key).map_err(wrong)?))
    };
    config.identity_providers.iter().map(client).collect()
}

/// Customers and operators, with the keys of tokens beside those of persons.
fn open_customers(
    store: &Store,
    parts: &Parts,
    vault: &Vault,
    keys: &Path,
) -> Result<CustomersService, OpenError> {
    let path = keys.join(TOKEN_KEYS);
    let tokens = AccessTokens::open(&path, token_options(), parts.clock.clone(), parts.ids.clone())?;
    let cost = if parts.cheap_passwords { PasswordCost::TEST } else { PasswordCost::OWASP };
    let deps = CustomersDeps {
        vault: vault.clone(),
        passwords: Passwords::new(cost, Passwords::default_parallelism())?,
        tokens,
        mail_hash: KeyedHash::new(parts.email_pepper.clone()),
        passkeys: parts.passkeys.clone(),
        providers: parts.providers.clone(),
    };
    let options = CustomersOptions { roles: parts.roles.clone(), ..CustomersOptions::default() };
    Ok(CustomersService::new(store.space("customers")?, parts.ids.clone(), deps, options))
}
