use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{Output, SaltString},
};
use rand::{TryRngCore, rngs::OsRng};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// Requests that may wait for their turn; beyond it is an attack or a failure, and waiting would only make it worse.
const WAITING: usize = 512;

/// How much work a hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl PasswordCost {
    /// OWASP's choice for argon2id: 19 MiB, two passes, one lane.
    pub const OWASP: Self = Self { memory_kib: 19 * 1024, passes: 2 };
    /// Next to no work: for tests only.
    pub const TEST: Self = Self { memory_kib: 8, passes: 1 };
}

/// Why a password cannot be hashed or checked now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting: try again later.
    #[error("too many sign-ins at the same time: try again in a moment")]
    Busy,
    /// The cost is not one that argon2 has, or a stored hash is none.
    #[error("password hashing failed: {0}")]
    Hash(String),
}

/// Hashes and checks passwords (argon2id, PHC strings). Cheap to clone.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    argon2: Argon2<'static>,
    hashed: AtomicU64,
    nobody: String,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Passwords {
    /// With this cost, and at most `at_once` hashes at the same time. Each needs the cost's memory and one core, so
    /// leave some cores for others: [`Passwords::default_parallelism`].
    ///
    /// # Errors
    /// [`PasswordError::Hash`] when argon2 has no such cost.
    pub fn new(cost: PasswordCost, at_once: usize) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let at_once = at_once.max(1);
        Ok(Self(Arc::new(Inner {
            nobody: nobody(&argon2)?,
            argon2,
            hashed: AtomicU64::new(0),
            running: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(at_once + WAITING)),
        })))
    }

    /// Half of the machine's cores, at least one.
    pub fn default_parallelism() -> usize {
        std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
    }

    /// The hash of a new password, as it is stored.
    ///
    /// # Errors
    /// [`PasswordError::Busy`].
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let salt = salt()?;
        self.work(password, move |argon2, password| {
            Ok(argon2.hash_password(password, &salt).map_err(failed)?.to_string())
        })
        .await
    }

    /// Whether it is the password of this hash. Without a hash (there is no such account) the answer is no, after the
    /// same work.
    ///
    /// # Errors
    /// [`PasswordError::Busy`]; [`PasswordError::Hash`] when `stored` is no hash.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool, PasswordError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.0.nobody).to_owned();
        self.work(password, move |argon2, password| {
            let hash = PasswordHash::new(&stored).map_err(failed)?;
            match argon2.verify_password(password, &hash) {
                Ok(()) => Ok(known),
                Err(argon2::password_hash::Error::Password) => Ok(false),
                Err(error) => Err(failed(error)),
            }
        })
        .await
    }

    /// How many hashes were computed, for new passwords and checks together: what the work tells.
    pub fn hashed(&self) -> u64 {
        self.0.hashed.load(Ordering::Relaxed)
    }

    /// Whether a stored hash was made with another cost than the present one: hash the password again when it is at
    /// hand, else the time of checking it would tell that the account exists.
    pub fn is_outdated(&self, stored: &str) -> bool {
        let params = PasswordHash::new(stored).ok().and_then(|hash| Params::try_from(&hash).ok());
        let present = self.0.argon2.params();
        params.is_none_or(|p| {
            (p.m_cost(), p.t_cost(), p.p_cost()) != (present.m_cost(), present.t_cost(), present.p_cost())
        })
    }

    async fn work<R: Send + 'static>(
        &self,
        password: &str,
        work: impl FnOnce(&Argon2<'static>, &[u8]) -> Result<R, PasswordError> + Send + 'static,
    ) -> Result<R, PasswordError> {
        let inner = self.0.clone();
        let password = Zeroizing::new(password.as_bytes().to_vec());
        let admitted = inner.admitted.clone().try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let running = inner.running.clone().acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        // The permits go along: when the caller gives up, the hash is still being computed and still counts.
        let permits: [OwnedSemaphorePermit; 2] = [admitted, running];
        let task = tokio::task::spawn_blocking(move || {
            let done = work(&inner.argon2, &password);
            inner.hashed.fetch_add(1, Ordering::Relaxed);
            drop(permits);
            done
        });
        task.await.map_err(failed)?
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("params", self.0.argon2.params()).finish_non_exhaustive()
    }
}

/// A hash of the present cost that no password has: its output is random.
fn nobody(argon2: &Argon2<'static>) -> Result<String, PasswordError> {
    let salt = salt()?;
    let params = argon2.params().try_into().map_err(failed)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params,
        salt: Some(salt.as_salt()),
        hash: Some(Output::new(&random::<32>()).map_err(failed)?),
    };
    Ok(hash.to_string())
}

fn salt() -> Result<SaltString, PasswordError> {
    SaltString::encode_b64(&random::<16>()).map_err(failed)
}

/// Bytes from the operating system. A machine whose source of randomness fails cannot do any cryptography: nothing
/// sensible can go on.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    OsRng.unwrap_err().try_fill_bytes(&mut bytes).unwrap_or_else(|never| match never {});
    bytes
}

fn failed(error: impl fmt::Display) -> PasswordError {
    PasswordError::Hash(error.to_string())
}
