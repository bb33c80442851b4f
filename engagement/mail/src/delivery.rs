//! From the outbox to files. A relay that speaks SMTP takes the place of the files later; the outbox stays.

use crate::{
    mime,
    model::{Content, Mail, MailId, MailState},
    service::{MailError, MailService},
};
use emporia_store::{Key, Query, StoreError};
use emporia_vault::VaultError;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Mails delivered together: their files are written side by side, and one transaction notes them all.
const BATCH: usize = 50;
/// Bytes of sealed mails that one transaction takes, but for a single larger one.
const BYTES: usize = 1_000_000;

/// What becomes of a mail.
struct Outcome {
    key: Key,
    state: Option<MailState>,
    content: Option<Content>,
    file: Option<(String, Vec<u8>)>,
}

impl MailService {
    /// Delivers every mail that waits, oldest first. How many. A mail whose delivery was interrupted is delivered again
    /// under the same name.
    ///
    /// # Errors
    /// [`MailError::File`] and what store and vault report; the rest waits for the next call.
    pub async fn deliver(&self) -> Result<usize, MailError> {
        let (mut delivered, mut after) = (0, None);
        loop {
            let query = Query::index("queued").limit(BATCH).after(after.take());
            let page = self.space.query::<Mail>(query).await?;
            after = page.items.last().map(|(cursor, _)| cursor.clone());
            let more = page.has_more;
            for keys in batches(page.into_values()) {
                delivered += self.deliver_together(&keys).await?;
            }
            if !more || after.is_none() {
                return Ok(delivered);
            }
        }
    }

    async fn deliver_together(&self, keys: &[Key]) -> Result<usize, MailError> {
        let _turn = self.turn.lock().await;
        let found = self.space.get_many::<Mail>(keys).await?.into_iter().flatten().map(|mail| mail.value);
        let queued = found.filter(|mail| mail.state == MailState::Queued);
        let mut outcomes = queued.map(|mail| self.outcome(&mail)).collect::<Result<Vec<_>, _>>()?;
        let files: Vec<_> = outcomes.iter_mut().filter_map(|outcome| outcome.file.take()).collect();
        let (outbox, delivered) = (self.outbox.clone(), files.len());
        let written = tokio::task::spawn_blocking(move || write(&outbox, &files));
        written.await.map_err(|panic| file(&self.outbox)(io::Error::other(panic)))??;
        let outcomes = &outcomes;
        self.space
            .transact(|tx| async move {
                let keys: Vec<Key> = outcomes.iter().map(|outcome| outcome.key.clone()).collect();
                for (mail, outcome) in tx.get_many::<Mail>(&keys).await?.into_iter().zip(outcomes) {
                    let Some(mail) = mail else { continue };
                    let mut mail = mail.value;
                    mail.state = outcome.state.clone().unwrap_or(mail.state);
                    mail.content = outcome.content.clone().unwrap_or(mail.content);
                    tx.put(&mail)?;
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(delivered)
    }

    fn outcome(&self, mail: &Mail) -> Result<Outcome, MailError> {
        let now = self.space.clock().now();
        let key = Mail::key_of(mail.person, mail.id);
        let mut outcome = Outcome { key, state: None, content: None, file: None };
        let undeliverable = match self.body(mail) {
            Ok(None) => {
                outcome.content = Some(Content::Erased(now));
                None
            }
            Ok(Some(body)) => match mime::write(&self.sender, mail.id, mail.created_at, body) {
                Ok(bytes) => {
                    outcome.file = Some((name_of(mail.id), bytes));
                    outcome.state = Some(MailState::Delivered(now));
                    None
                }
                Err(reason) => Some(reason),
            },
            Err(error @ VaultError::File { .. }) => return Err(error.into()),
            // A seal that does not open now never will: it must not hold up the mails behind it.
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = undeliverable {
            tracing::warn!(mail = %mail.id, reason, "a mail cannot be delivered");
            outcome.state = Some(MailState::Undeliverable(reason));
        }
        Ok(outcome)
    }

    /// Where a mail is delivered to.
    pub fn file_of(&self, id: MailId) -> PathBuf {
        self.outbox.join(name_of(id))
    }

    /// Removes what was written of a mail, also if writing it was interrupted.
    pub(crate) fn remove_file(&self, id: MailId) -> Result<(), MailError> {
        for name in [name_of(id), unfinished(&name_of(id))] {
            let path = self.outbox.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(&path)(error)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Mails in their order, as many together as one transaction takes.
fn batches(mails: Vec<Mail>) -> Vec<Vec<Key>> {
    let (mut batches, mut bytes) = (vec![], BYTES);
    for mail in mails {
        bytes += mail.bytes();
        let key = Mail::key_of(mail.person, mail.id);
        match batches.last_mut() {
            Some(batch) if bytes <= BYTES => Vec::push(batch, key),
            _ => {
                bytes = mail.bytes();
                batches.push(vec![key]);
            }
        }
    }
    batches
}

fn name_of(id: MailId) -> String {
    format!("{id}.eml")
}

fn unfinished(name: &str) -> String {
    format!(".{name}.part")
}

/// Makes the directory; only the owner of the process may look into it.
pub(crate) fn prepare(outbox: &Path) -> Result<(), MailError> {
    fs::create_dir_all(outbox).map_err(file(outbox))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(outbox, fs::Permissions::from_mode(0o700)).map_err(file(outbox))?;
    }
    Ok(())
}

/// Files that appear whole or not at all. They are flushed one after the other once all are written: the first flush
/// takes most of the others with it.
fn write(outbox: &Path, files: &[(String, Vec<u8>)]) -> Result<(), MailError> {
    let mut open = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        let part = outbox.join(unfinished(name));
        let written = fs::File::create(&part).and_then(|mut file| file.write_all(bytes).map(|()| file));
        open.push(written.map_err(file(&part))?);
    }
    for (written, (name, _)) in open.into_iter().zip(files) {
        let (path, part) = (outbox.join(name), outbox.join(unfinished(name)));
        written.sync_all().and_then(|()| fs::rename(&part, &path)).map_err(file(&path))?;
    }
    Ok(())
}

fn file(path: &Path) -> impl Fn(io::Error) -> MailError {
    let path = path.display().to_string();
    move |source| MailError::File { path: path.clone(), source }
}
