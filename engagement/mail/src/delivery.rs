//! From the outbox to files. A relay that speaks SMTP takes the place of the files later; the outbox stays.

use crate::{
    mime,
    model::{Content, Mail, MailId, MailState},
    service::{MailError, MailService},
};
use emporia_store::{Query, StoreError};
use emporia_vault::VaultError;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Mails looked up at once.
const BATCH: usize = 100;

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
            for (_, mail) in &page.items {
                delivered += usize::from(self.deliver_one(mail).await?);
            }
            if !page.has_more || after.is_none() {
                return Ok(delivered);
            }
        }
    }

    async fn deliver_one(&self, found: &Mail) -> Result<bool, MailError> {
        let _turn = self.turn.lock().await;
        let key = &Mail::key_of(found.person, found.id);
        let Some(mail) = self.space.get::<Mail>(key).await?.filter(|m| m.state == MailState::Queued) else {
            return Ok(false);
        };
        let now = self.space.clock().now();
        let (state, content) = match self.body(&mail) {
            Ok(None) => (None, Some(Content::Erased(now))),
            Ok(Some(body)) => match mime::write(&self.sender, mail.id, mail.created_at, body) {
                Ok(bytes) => {
                    let (outbox, name) = (self.outbox.clone(), name_of(mail.id));
                    let written = tokio::task::spawn_blocking(move || write(&outbox, name, &bytes));
                    written.await.map_err(|panic| file(&self.outbox)(io::Error::other(panic)))??;
                    (Some(MailState::Delivered(now)), None)
                }
                Err(reason) => (Some(MailState::Undeliverable(reason)), None),
            },
            Err(error @ VaultError::File { .. }) => return Err(error.into()),
            // A seal that does not open now never will: it must not hold up the mails behind it.
            Err(error) => (Some(MailState::Undeliverable(error.to_string())), None),
        };
        if let Some(MailState::Undeliverable(reason)) = &state {
            tracing::warn!(mail = %mail.id, reason, "a mail cannot be delivered");
        }
        let delivered = matches!(state, Some(MailState::Delivered(_)));
        let (state, content) = (&state, &content);
        self.space
            .transact(|tx| async move {
                let Some(mail) = tx.get::<Mail>(key).await? else { return Ok(()) };
                let mut mail = mail.value;
                mail.state = state.clone().unwrap_or(mail.state);
                mail.content = content.clone().unwrap_or(mail.content);
                tx.put(&mail)
            })
            .await
            .map_err(|error: StoreError| MailError::Store(error))?;
        Ok(delivered)
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

/// A file that appears whole or not at all.
fn write(outbox: &Path, name: String, bytes: &[u8]) -> Result<(), MailError> {
    let (path, part) = (outbox.join(&name), outbox.join(unfinished(&name)));
    let written = fs::File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&part, &path)).map_err(file(&path))
}

fn file(path: &Path) -> impl Fn(io::Error) -> MailError {
    let path = path.display().to_string();
    move |source| MailError::File { path: path.clone(), source }
}
