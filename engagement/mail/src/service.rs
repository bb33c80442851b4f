use crate::{
    mime::Sender,
    model::{Content, Mail, MailBody, MailId, MailKind, MailState},
};
use emporia_contracts::{Fault, ids::OrderId};
use emporia_store::{IndexKey, Query, Space, StoreError};
use emporia_vault::{Vault, VaultError};
use jiff::Timestamp;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// How mails look and where they go.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// The directory into which mails are delivered, one RFC 5322 file each.
    pub outbox: PathBuf,
    /// The sender, such as `Emporia <shop@example.com>`.
    pub from: String,
    /// The shop's name, as it signs.
    pub shop: String,
}

/// Why the outbox cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender in the configuration is none.
    #[error("\"{0}\" is no sender: write it as `Shop <shop@example.com>`")]
    Sender(String),
    /// A file cannot be written or removed.
    #[error("the mail file {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The store reports it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault reports it.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl From<MailError> for Fault {
    fn from(error: MailError) -> Self {
        match &error {
            MailError::Sender(_) => Self::permanent("mail", error),
            MailError::Store(e) if !e.is_retryable() => Self::permanent("mail", error),
            _ => Self::transient("mail", error),
        }
    }
}

/// A mail in a list.
#[derive(Debug, Clone)]
pub struct MailSummary {
    /// The mail.
    pub id: MailId,
    /// What it is about.
    pub kind: MailKind,
    /// Which order, if it is about one.
    pub order: Option<OrderId>,
    /// The order's number.
    pub number: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: MailState,
    /// Whether its person was erased.
    pub erased: bool,
}

/// A mail, opened; its body is gone when the person was erased.
#[derive(Clone)]
pub struct OpenMail {
    /// About the mail.
    pub summary: MailSummary,
    /// What is in it. Personal.
    pub body: Option<MailBody>,
}

/// The outbox. Cheap to clone.
#[derive(Clone)]
pub struct MailService {
    pub(crate) space: Space,
    pub(crate) vault: Vault,
    pub(crate) sender: Arc<Sender>,
    pub(crate) shop: Arc<str>,
    pub(crate) outbox: Arc<Path>,
    /// Delivering and erasing take turns: a file that is being written must not survive the erasure beside it.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
}

impl MailService {
    /// The outbox; its directory is made when it is not there.
    ///
    /// # Errors
    /// [`MailError::Sender`], [`MailError::File`].
    pub fn new(space: Space, vault: Vault, options: MailOptions) -> Result<Self, MailError> {
        let sender = Sender::parse(&options.from).ok_or_else(|| MailError::Sender(options.from.clone()))?;
        crate::delivery::prepare(&options.outbox)?;
        Ok(Self {
            space,
            vault,
            sender: Arc::new(sender),
            shop: options.shop.into(),
            outbox: options.outbox.into(),
            turn: Arc::default(),
        })
    }

    /// The newest mails, at most `limit` (1 to 1,000).
    ///
    /// # Errors
    /// What the store reports.
    pub async fn list(&self, limit: usize) -> Result<Vec<MailSummary>, MailError> {
        let query = Query::index("by_created").descending().limit(limit.clamp(1, 1000));
        Ok(self.space.query::<Mail>(query).await?.into_values().into_iter().map(summary).collect())
    }

    /// A mail with its body; `None` when there is none of that id.
    ///
    /// # Errors
    /// What store and vault report.
    pub async fn show(&self, id: MailId) -> Result<Option<OpenMail>, MailError> {
        let query = Query::index("by_id").prefix(IndexKey::new().text(&id.to_string())).limit(1);
        let Some(mail) = self.space.query::<Mail>(query).await?.into_values().pop() else { return Ok(None) };
        let body = self.body(&mail)?;
        Ok(Some(OpenMail { summary: summary(mail), body }))
    }

    /// A mail's body, unless its person was erased.
    pub(crate) fn body(&self, mail: &Mail) -> Result<Option<MailBody>, VaultError> {
        match &mail.content {
            Content::Sealed(sealed) => self.vault.unseal(sealed),
            Content::Erased(_) => Ok(None),
        }
    }
}

fn summary(mail: Mail) -> MailSummary {
    MailSummary {
        id: mail.id,
        kind: mail.kind,
        order: mail.order,
        number: mail.number,
        created_at: mail.created_at,
        state: mail.state,
        erased: matches!(mail.content, Content::Erased(_)),
    }
}

impl std::fmt::Debug for MailService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailService").field("outbox", &self.outbox).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for OpenMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.summary.fmt(f)
    }
}
