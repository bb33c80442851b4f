use crate::PersonId;

/// Why the vault cannot do something. That a person was erased is no error when reading: it is the answer `None`.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or written.
    #[error("the key file {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What happened.
        source: rusqlite::Error,
    },
    /// The master key does not open this key file.
    #[error(
        "the master key is not the one that {path} was made with: configure the right one, the keys are of no use without it"
    )]
    WrongMasterKey {
        /// Which file.
        path: String,
    },
    /// The master key in the configuration has the wrong form.
    #[error("a master key is 32 bytes in base 64: make one with `emporia secret`")]
    MasterKeyForm,
    /// Something is to be sealed for a person whose key was destroyed, or who never was.
    #[error("there is no key for {0}: the person was erased or never known")]
    NoKey(PersonId),
    /// The sealed text was altered, or belongs to another key.
    #[error("a sealed value of {0} cannot be opened: it was altered")]
    Altered(PersonId),
    /// The value cannot be written as JSON, or what was opened is no such value.
    #[error("a sealed value cannot be converted: {0}")]
    Form(#[from] serde_json::Error),
}
