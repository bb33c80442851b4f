use emporia_id::{SharedClock, SystemClock};
use emporia_store::StoreError;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{fmt, path::Path, sync::Arc, time::Duration};
use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};

/// Where and how a store on PostgreSQL is opened. It never shows its password.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(crate) config: Box<Config>,
    /// The server and database without user and password, for messages.
    pub(crate) place: Arc<str>,
    /// Who may vouch for the server; whoever the system trusts if none.
    pub(crate) roots: Option<Arc<RootCertStore>>,
    pub(crate) schema: String,
    pub(crate) readers: usize,
    pub(crate) clock: SharedClock,
    pub(crate) sweep_every: Option<Duration>,
}

/// The longest a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

impl PostgresOptions {
    /// The database at `url` (`postgres://user:password@host:5432/database?sslmode=require`), in the schema `emporia`,
    /// by the system's clock. Several hosts may be named: then the one that can be written is taken.
    ///
    /// `sslmode` is as PostgreSQL's own programs have it, but `require` verifies as much as `verify-full` does: that the
    /// certificate is of that host and that someone trusted vouches for it. `sslrootcert` names a file (PEM) with those who
    /// may vouch, in place of the system's.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the text is no such URL, or the file has no certificates; the message does not repeat
    /// the URL.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let unusable =
            |reason: String| StoreError::Unusable { what: "the URL of the store".to_owned(), reason };
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(unusable("it does not begin with postgres://".to_owned()));
        }
        let (url, roots) = own_parameters(url).map_err(unusable)?;
        let mut config: Config =
            url.parse().map_err(|error: tokio_postgres::Error| unusable(error.to_string()))?;
        let place = place(&config);
        if place.contains('@') {
            // Part of a password would be taken for a host, and shown.
            return Err(unusable("an @ in the user or password is to be written as %40".to_owned()));
        }
        if !url.contains("sslmode=") {
            // The usual default tries TLS and goes on without: neither safe nor kind to certificates of one's own.
            config.ssl_mode(if is_local(&config) { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_application_name().is_none() {
            config.application_name("emporia");
        }
        if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Ok(Self {
            config: Box::new(config),
            place: place.into(),
            roots,
            schema: "emporia".to_owned(),
            readers: 12,
            clock: Arc::new(SystemClock),
            sweep_every: Some(Duration::from_secs(30)),
        })
    }

    /// The schema that holds the tables, made if it is not there: lower-case letters, digits and `_`, at most 48.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] for any other name.
    pub fn schema(mut self, name: &str) -> Result<Self, StoreError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.starts_with("pg_");
        if !begins || name.len() > 48 || !name.chars().all(plain) {
            let what = format!("the schema {:?}", name.chars().take(64).collect::<String>());
            let reason =
                "a name is 1 to 48 lower-case letters, digits and _, a letter first, not pg_".to_owned();
            return Err(StoreError::Unusable { what, reason });
        }
        name.clone_into(&mut self.schema);
        Ok(self)
    }

    /// Connections for reading, at most; two more write and listen. 12 if not told otherwise.
    #[must_use]
    pub fn readers(mut self, many: usize) -> Self {
        self.readers = many.max(1);
        self
    }

    /// The clock by which documents expire.
    #[must_use]
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// How often expired documents are swept away, in real time; never if none.
    #[must_use]
    pub fn sweep_every(mut self, period: Option<Duration>) -> Self {
        self.sweep_every = period;
        self
    }

    /// The server and database without user and password: `postgres://host:5432/database`.
    pub fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn shared_clock(&self) -> &SharedClock {
        &self.clock
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("place", &self.place)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// The URL without what its parser does not know: `sslmode=verify-…`, which is what we always do, and `sslrootcert`.
fn own_parameters(url: &str) -> Result<(String, Option<Arc<RootCertStore>>), String> {
    let Some((begin, parameters)) = url.split_once('?') else { return Ok((url.to_owned(), None)) };
    let (mut kept, mut roots) = (vec![], None);
    for parameter in parameters.split('&') {
        match parameter.split_once('=') {
            Some(("sslmode", "verify-full" | "verify-ca")) => kept.push("sslmode=require"),
            Some(("sslrootcert", file)) => roots = Some(Arc::new(trusted(&file.replace("%2F", "/"))?)),
            _ => kept.push(parameter),
        }
    }
    let separator = if kept.is_empty() { "" } else { "?" };
    Ok((format!("{begin}{separator}{}", kept.join("&")), roots))
}

/// The certificates of a file.
fn trusted(file: &str) -> Result<RootCertStore, String> {
    let failed = |reason: &dyn fmt::Display| format!("sslrootcert {file}: {reason}");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    if roots.is_empty() { Err(failed(&"there is no certificate in it (PEM)")) } else { Ok(roots) }
}

fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(at)),
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<String> = hosts.collect();
    format!("postgres://{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1" | "[::1]"),
        Host::Unix(path) => Path::new(path).is_absolute(),
    })
}
