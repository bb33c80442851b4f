use crate::{
    model::{Content, LinesPart, Mail, OrderRecord},
    service::{MailError, MailService},
};
use emporia_contracts::{Fault, customers::PersonalData};
use emporia_store::{Children, StoreError};
use emporia_vault::PersonId;
use serde_json::{Value, json};

/// Mails looked at in one go.
const BATCH: usize = 100;

#[async_trait::async_trait]
impl PersonalData for MailService {
    fn room(&self) -> &'static str {
        "mail"
    }

    async fn export(&self, person: PersonId) -> Result<Value, Fault> {
        let mut all = Vec::new();
        for mail in self.mails_of(person).await? {
            let body = self.body(&mail).map_err(MailError::from)?;
            all.push(json!({
                "id": mail.id, "kind": mail.kind, "orderNumber": mail.number, "createdAt": mail.created_at,
                "state": mail.state, "to": body.as_ref().map(|b| &b.to), "subject": body.as_ref().map(|b| &b.subject),
                "text": body.as_ref().map(|b| &b.text),
            }));
        }
        Ok(Value::Array(all))
    }

    async fn erase(&self, person: PersonId) -> Result<(), Fault> {
        Ok(self.erase_mails(person).await?)
    }
}

impl MailService {
    async fn mails_of(&self, person: PersonId) -> Result<Vec<Mail>, MailError> {
        let partition = Mail::all_of(person);
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let children = Children::of(partition.partition()).limit(BATCH).after(after.take());
            let page = self.space.children::<Mail>(children).await?;
            after = page.items.last().map(|(cursor, _)| cursor.clone());
            let more = page.has_more && after.is_some();
            all.extend(page.into_values());
            if !more {
                return Ok(all);
            }
        }
    }

    async fn erase_mails(&self, person: PersonId) -> Result<(), MailError> {
        let _turn = self.turn.lock().await;
        let now = self.space.clock().now();
        for mail in self.mails_of(person).await? {
            self.remove_file(mail.id)?;
            let (key, order) = (&Mail::key_of(person, mail.id), mail.order);
            self.space
                .transact(|tx| async move {
                    if let Some(found) = tx.get::<Mail>(key).await? {
                        let mut mail = found.value;
                        if matches!(mail.content, Content::Sealed(_)) {
                            mail.content = Content::Erased(now);
                            tx.put(&mail)?;
                        }
                    }
                    let Some(order) = order else { return Ok(()) };
                    tx.delete(&OrderRecord::key_of(order))?;
                    // Without the record nothing leads to the lines any more: they go too.
                    let lines = Children::of(LinesPart::all_of(order).partition()).limit(BATCH / 2);
                    for part in tx.children::<LinesPart>(lines).await? {
                        tx.delete(&emporia_store::Document::key(&part.value))?;
                    }
                    Ok::<_, StoreError>(())
                })
                .await?;
        }
        Ok(())
    }
}
