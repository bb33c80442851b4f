//! One schema for flags, `EMPORIA_…` variables and `emporia.toml`; flags win over variables, those over the file.

use emporia_customers::{Policies, RelyingParty, RelyingPartyError};
use emporia_oidc::{Provider, ProviderOptions};
use emporia_store::StoreError;
use emporia_store_postgres::PostgresOptions;
use emporia_store_sqlite::Layout;
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// All settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the data lives.
    pub data_dir: PathBuf,
    /// Address of the HTTP server.
    pub listen: String,
    /// Networks of proxies that tell by `X-Forwarded-For` who asks, such as `["10.0.0.0/8"]`. Nobody else is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What this process does: all by itself, or a part.
    pub roles: Roles,
    /// Where the store is: files, or a database, whose URL may stand alone.
    #[serde(deserialize_with = "store_or_url")]
    pub store: StoreConfig,
    /// The commerce processes, for a gateway alone.
    pub commerce: CommerceConfig,
    /// What must not be known to others. Required in production.
    pub secrets: SecretsConfig,
    /// The payment provider.
    pub payments: PaymentsConfig,
    /// For which site passkeys are made.
    pub passkeys: PasskeysConfig,
    /// By whose word customers sign in, by their names in the API.
    pub identity_providers: BTreeMap<String, ProviderConfig>,
    /// Limits and switches of the gateway.
    pub gateway: emporia_gateway::Config,
    /// A file with the Cedar policies of the retailer's own roles.
    pub role_policies: Option<PathBuf>,
    /// What a gateway alone passes on to its subgraphs.
    pub forward: ForwardConfig,
    /// Whose tokens a gateway alone believes.
    pub authentication: AuthenticationConfig,
    /// Log lines: `text` or `json`.
    pub log_format: LogFormat,
}

/// What a process does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Roles {
    /// The graph and all rooms behind it.
    #[default]
    All,
    /// The graph alone, over rooms in other processes.
    Gateway,
    /// The rooms alone, for gateways in other processes.
    Commerce,
}

/// The commerce processes, for a gateway alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommerceConfig {
    /// Their addresses: `["http://10.0.0.2:8080", "http://10.0.0.3:8080"]`.
    pub urls: Vec<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Where the store is: in files below the data directory, unless a database is named.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// One file for all services, or one for each.
    pub layout: StoreLayout,
    /// A PostgreSQL database: `postgres://user:password@host/database`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The schema in that database; `emporia` if not told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

/// Reads `store = "postgres://…"` as well as a table `[store]`.
fn store_or_url<'de, D: serde::Deserializer<'de>>(from: D) -> Result<StoreConfig, D::Error> {
    struct Either;
    impl<'de> serde::de::Visitor<'de> for Either {
        type Value = StoreConfig;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a URL, postgres://…, or a table")
        }

        fn visit_str<E: serde::de::Error>(self, url: &str) -> Result<StoreConfig, E> {
            Ok(StoreConfig { url: Some(url.to_owned()), ..StoreConfig::default() })
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, table: A) -> Result<StoreConfig, A::Error> {
            StoreConfig::deserialize(serde::de::value::MapAccessDeserializer::new(table))
        }
    }
    from.deserialize_any(Either)
}

impl StoreConfig {
    /// The PostgreSQL database, if one is named.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the URL or the schema's name is none; the message shows no password.
    pub fn postgres(&self) -> Result<Option<PostgresOptions>, StoreError> {
        let Some(url) = &self.url else { return Ok(None) };
        let options = PostgresOptions::new(url)?;
        self.schema.iter().try_fold(options, |options, schema| options.schema(schema)).map(Some)
    }
}

/// Without the password that may be in the URL.
impl std::fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.as_deref().map(|_| "…");
        f.debug_struct("StoreConfig").field("layout", &self.layout).field("url", &url).finish_non_exhaustive()
    }
}

/// What `emporia gateway` passes on to its subgraphs, beside the request's id and trace.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForwardConfig {
    /// Names of headers of the client.
    pub headers: Vec<String>,
}

impl Default for ForwardConfig {
    fn default() -> Self {
        let headers = ["authorization", "accept-language", "emporia-channel", "emporia-guest"];
        Self { headers: headers.map(str::to_owned).to_vec() }
    }
}

/// Whose tokens `emporia gateway` believes; without an issuer everybody is unknown to it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthenticationConfig {
    /// The `iss` of the tokens: `https://login.example.com`.
    pub issuer: String,
    /// The `aud` of the tokens: one of these.
    pub audiences: Vec<String>,
    /// Where the issuer's keys are (JWKS); found by discovery, if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The claim with the caller's policies, for `@policy`; without one nobody holds any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies_claim: Option<String>,
}

/// One file for all services, or one for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreLayout {
    /// One file: one group commit for all.
    #[default]
    Shared,
    /// A file for each service.
    PerService,
}

impl From<StoreLayout> for Layout {
    fn from(layout: StoreLayout) -> Self {
        match layout {
            StoreLayout::Shared => Self::Shared,
            StoreLayout::PerService => Self::PerService,
        }
    }
}

/// What must not be known to others.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretsConfig {
    /// Wraps the keys of all persons: 32 bytes in base 64.
    pub master_key: String,
    /// Hashes mail addresses in indexes: 32 bytes in base 64.
    pub email_pepper: String,
    /// Signs what a gateway says to commerce in other processes: 32 bytes in base 64. Only split roles need it.
    pub internal_key: String,
}

impl std::fmt::Debug for SecretsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretsConfig(…)")
    }
}

/// The payment provider.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentsConfig {
    /// Address of its API.
    pub base_url: String,
    /// Our key there.
    pub secret_key: String,
    /// What its webhooks are signed with: `whsec_…`.
    pub webhook_secret: String,
}

impl std::fmt::Debug for PaymentsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PaymentsConfig({})", self.base_url)
    }
}

impl Default for PaymentsConfig {
    fn default() -> Self {
        Self {
            base_url: "http://127.0.0.1:8081".into(),
            secret_key: String::new(),
            webhook_secret: String::new(),
        }
    }
}

/// An OpenID Connect provider.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// What people call it; its name in the API, if nothing is said.
    pub name: String,
    /// Its issuer: `https://login.example.com`.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; none for a public client.
    pub client_secret: String,
    /// Where customers may come back to: `["https://shop.example.com/signed-in"]`.
    pub redirect_uris: Vec<String>,
}

impl ProviderConfig {
    /// A client of it.
    ///
    /// # Errors
    /// [`emporia_oidc::SetupError`] names the setting.
    pub fn client(&self, key: &str) -> Result<Provider, emporia_oidc::SetupError> {
        let Self { name, issuer, client_id, client_secret, redirect_uris } = self.clone();
        Provider::new(ProviderOptions {
            name: if name.is_empty() { key.to_owned() } else { name },
            issuer,
            client_id,
            client_secret: Some(client_secret).filter(|secret| !secret.is_empty()),
            redirect_uris,
        })
    }
}

impl std::fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProviderConfig({})", self.issuer)
    }
}

/// For which site passkeys are made; without a relying party there are none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PasskeysConfig {
    /// The site's domain, such as `example.com`. Passkeys are bound to it: it cannot be changed later.
    pub relying_party: String,
    /// What the site is called; its domain, if nothing is said.
    pub name: String,
    /// Where its pages are: `["https://shop.example.com"]`.
    pub origins: Vec<String>,
}

impl PasskeysConfig {
    /// The relying party, if one is named.
    ///
    /// # Errors
    /// [`RelyingPartyError`].
    pub fn relying_party(&self) -> Result<Option<RelyingParty>, RelyingPartyError> {
        let Self { relying_party: id, name, origins } = self;
        if id.is_empty() {
            return Ok(None);
        }
        RelyingParty::new(id, if name.is_empty() { id } else { name }, origins).map(Some)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "emporia-data".into(),
            listen: "127.0.0.1:8080".into(),
            trusted_proxies: vec![],
            roles: Roles::default(),
            store: StoreConfig::default(),
            commerce: CommerceConfig::default(),
            secrets: SecretsConfig::default(),
            payments: PaymentsConfig::default(),
            passkeys: PasskeysConfig::default(),
            identity_providers: BTreeMap::new(),
            gateway: emporia_gateway::Config::default(),
            role_policies: None,
            forward: ForwardConfig::default(),
            authentication: AuthenticationConfig::default(),
            log_format: LogFormat::default(),
        }
    }
}

/// Why the configuration is not usable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there.
    #[error("there is no configuration file {0}: make one, or leave --config out to use the defaults")]
    NoFile(PathBuf),
    /// A key or value is wrong; the text says which and where.
    #[error("{0}")]
    Wrong(String),
    /// Something that production needs is missing.
    #[error("{key} is missing: {advice}")]
    Missing {
        /// Which key.
        key: &'static str,
        /// What to do.
        advice: &'static str,
    },
}

impl Config {
    /// Reads the file (when given) and the variables.
    ///
    /// # Errors
    /// [`ConfigError`] names the key, where it was found, and the nearest right one.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_over(Self::default(), file)
    }

    /// As [`Config::load`], for a command with defaults of its own.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_over(defaults: Self, file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(defaults));
        if let Some(file) = file {
            if !file.exists() {
                return Err(ConfigError::NoFile(file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        // These belong to single commands, which read them themselves.
        let of_commands =
            ["config", "log", "operator_password", "testpay_secret_key", "testpay_webhook_secret"];
        let variables = Env::prefixed("EMPORIA_")
            .ignore(&of_commands)
            .filter(|key| !key.starts_with("test_"))
            .split("__");
        figment.merge(variables).extract().map_err(|error| ConfigError::Wrong(explain(&error)))
    }

    /// What roles permit: those of every shop, and those of the file that is named.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] names the file and the line.
    pub fn policies(&self) -> Result<Policies, ConfigError> {
        let Some(file) = &self.role_policies else { return Ok(Policies::built_in()) };
        let wrong = |what: &dyn std::fmt::Display| {
            ConfigError::Wrong(format!("role_policies: {}: {what}", file.display()))
        };
        let own = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
        Policies::with(&own).map_err(|error| wrong(&error))
    }

    /// Checks what production needs.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] names the first key that is missing.
    pub fn require_production(&self) -> Result<(), ConfigError> {
        const SECRET: &str = "make one with `emporia secret`, and set it in emporia.toml or the environment";
        const SHARED: &str = "make one with `emporia secret`, and set the same for gateway and commerce";
        let (secrets, payments) = (&self.secrets, &self.payments);
        let of_commerce = [
            ("secrets.master_key", secrets.master_key.is_empty(), SECRET),
            ("secrets.email_pepper", secrets.email_pepper.is_empty(), SECRET),
            ("payments.secret_key", payments.secret_key.is_empty(), "your key at the payment provider"),
            (
                "payments.webhook_secret",
                payments.webhook_secret.is_empty(),
                "what the provider signs its webhooks with",
            ),
        ];
        // Shorter ones can be tried out.
        let internal = ("secrets.internal_key", secrets.internal_key.len() < 32, SHARED);
        let urls = ("commerce.urls", self.commerce.urls.is_empty(), "name the commerce processes' addresses");
        let checks: Vec<_> = match self.roles {
            Roles::All => of_commerce.to_vec(),
            Roles::Commerce => of_commerce.into_iter().chain([internal]).collect(),
            Roles::Gateway => vec![urls, internal],
        };
        match checks.into_iter().find(|(_, missing, _)| *missing) {
            Some((key, _, advice)) => Err(ConfigError::Missing { key, advice }),
            None => Ok(()),
        }
    }
}

/// Says what is wrong and where; for an unknown key the nearest right one.
fn explain(error: &figment::Error) -> String {
    let place = error.metadata.as_ref().map(|m| match &m.source {
        Some(source) => format!(" ({source})"),
        None => format!(" ({})", m.name),
    });
    let place = place.unwrap_or_default();
    let path = error.path.join(".");
    match &error.kind {
        figment::error::Kind::UnknownField(field, known) => {
            let near =
                |k: &str| if k.contains(field.as_str()) { 1.0 } else { strsim::jaro_winkler(k, field) };
            let nearest = known.iter().max_by(|a, b| near(a).total_cmp(&near(b)));
            let table = path.strip_suffix(field.as_str()).unwrap_or(&path).trim_end_matches('.');
            let within = if table.is_empty() { String::new() } else { format!(" in [{table}]") };
            match nearest {
                Some(nearest) => {
                    format!("there is no key \"{field}\"{within}{place}: did you mean \"{nearest}\"?")
                }
                None => format!("there is no key \"{field}\"{within}{place}"),
            }
        }
        kind => format!("{path}{place}: {}", without_passwords(&kind.to_string())),
    }
}

/// The text without what stands before the `@` of URLs in it: a value of the wrong type is shown in its error.
fn without_passwords(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(part.len());
        let (url, rest) = part.split_at(end);
        let place = url.rsplit_once('@').map_or(url, |(_, place)| place);
        shown.push_str("://");
        shown.push_str(place);
        shown.push_str(rest);
    }
    shown
}
