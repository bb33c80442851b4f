//! Which events make mails.

use crate::{
    compose,
    model::{Content, LinesPart, Mail, MailBody, MailId, MailKind, MailState, OrderRecord},
    service::MailService,
};
use emporia_contracts::{
    customers::{AccountNotice, AccountNoticeIssued},
    ids::OrderId,
    orders::{FulfilmentShipped, OrderContact, OrderLinesPlaced, OrderMode, OrderPlaced, PricedLine},
};
use emporia_events::{Envelope, EventPayload, Handler, HandlerError};
use emporia_store::{Children, Tx, limits};
use emporia_vault::{PersonId, Sealed, VaultError};

/// Follows orders and accounts: a confirmation for each order that was asked for, word when goods leave, and what account
/// holders are told. Orders that are only reported were confirmed where they were made.
pub struct MailFollowsOrders(pub MailService);

impl MailFollowsOrders {
    /// Whether it follows events of this kind.
    pub fn follows(source: &str, detail_type: &str) -> bool {
        let of_orders =
            [OrderPlaced::DETAIL_TYPE, OrderLinesPlaced::DETAIL_TYPE, FulfilmentShipped::DETAIL_TYPE];
        (source == OrderPlaced::SOURCE && of_orders.contains(&detail_type))
            || (source, detail_type) == (AccountNoticeIssued::SOURCE, AccountNoticeIssued::DETAIL_TYPE)
    }
}

#[async_trait::async_trait]
impl Handler for MailFollowsOrders {
    fn wants(&self, source: &str, detail_type: &str) -> bool {
        Self::follows(source, detail_type)
    }

    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        if event.is::<OrderPlaced>() {
            self.0.on_placed(event, &event.payload()?, tx).await
        } else if event.is::<OrderLinesPlaced>() {
            self.0.on_lines(&event.payload()?, event, tx).await
        } else if event.is::<FulfilmentShipped>() {
            self.0.on_shipped(event, &event.payload()?, tx).await
        } else if event.is::<AccountNoticeIssued>() {
            self.0.on_notice(event, &event.payload()?, tx).await
        } else {
            Ok(())
        }
    }
}

/// A mail about to enter the outbox.
struct Draft {
    id: MailId,
    person: PersonId,
    kind: MailKind,
    /// The order that it is about, and its number.
    about: Option<(OrderId, String)>,
    body: MailBody,
}

impl Draft {
    fn of_order(id: MailId, kind: MailKind, order: &OrderRecord, body: MailBody) -> Self {
        Self {
            id,
            person: order.contact.person,
            kind,
            about: Some((order.order, order.number.clone())),
            body,
        }
    }
}

impl MailService {
    async fn on_placed(&self, event: &Envelope, placed: &OrderPlaced, tx: &Tx) -> Result<(), HandlerError> {
        let Some(contact) = placed.contact.as_ref().filter(|_| placed.mode == OrderMode::Request) else {
            return Ok(());
        };
        // Somebody who was erased meanwhile gets no mail and leaves nothing here.
        if self.contact(contact)?.is_none()
            || tx.get::<OrderRecord>(&OrderRecord::key_of(placed.order_id)).await?.is_some()
        {
            return Ok(());
        }
        let snapshot = &placed.snapshot;
        let record = OrderRecord {
            order: placed.order_id,
            number: placed.number.clone(),
            locale: placed.locale.clone(),
            contact: contact.clone(),
            prices: snapshot.kind,
            totals: snapshot.totals.clone(),
            delivery: snapshot.delivery.as_ref().map(|d| d.name.clone()),
            tenders: placed.tenders.clone(),
            lines: snapshot.lines.len() + placed.further_lines,
            confirmation: MailId::from(event.id),
        };
        tx.put(&record)?;
        self.keep_lines(placed.order_id, 0, &snapshot.lines, tx)?;
        self.confirm_when_whole(&record, event, tx).await
    }

    async fn on_lines(
        &self,
        placed: &OrderLinesPlaced,
        event: &Envelope,
        tx: &Tx,
    ) -> Result<(), HandlerError> {
        let Some(record) = tx.get::<OrderRecord>(&OrderRecord::key_of(placed.order_id)).await? else {
            return Ok(());
        };
        self.keep_lines(placed.order_id, placed.offset, &placed.lines, tx)?;
        self.confirm_when_whole(&record, event, tx).await
    }

    async fn confirm_when_whole(
        &self,
        order: &OrderRecord,
        event: &Envelope,
        tx: &Tx,
    ) -> Result<(), HandlerError> {
        let lines = self.lines(order.order, tx).await?;
        if lines.len() < order.lines {
            return Ok(());
        }
        let Some(contact) = self.contact(&order.contact)? else { return Ok(()) };
        let body = compose::order_confirmation(&self.shop, order, &lines, &contact).map_err(permanent)?;
        let draft = Draft::of_order(order.confirmation, MailKind::OrderConfirmation, order, body);
        self.enqueue(draft, event, tx).await
    }

    async fn on_shipped(
        &self,
        event: &Envelope,
        shipped: &FulfilmentShipped,
        tx: &Tx,
    ) -> Result<(), HandlerError> {
        let Some(order) = tx.get::<OrderRecord>(&OrderRecord::key_of(shipped.order_id)).await? else {
            return Ok(());
        };
        let Some(contact) = self.contact(&order.contact)? else { return Ok(()) };
        let lines = self.lines(shipped.order_id, tx).await?;
        let body = compose::shipping_confirmation(&self.shop, &order, &lines, &contact, shipped)
            .map_err(permanent)?;
        let draft = Draft::of_order(MailId::from(event.id), MailKind::ShippingConfirmation, &order, body);
        self.enqueue(draft, event, tx).await
    }

    async fn on_notice(
        &self,
        event: &Envelope,
        issued: &AccountNoticeIssued,
        tx: &Tx,
    ) -> Result<(), HandlerError> {
        let Some(notice) = self.vault.unseal::<AccountNotice>(&issued.notice).map_err(vault)? else {
            return Ok(());
        };
        let body = compose::account_notice(&self.shop, issued.kind, &issued.locale, &notice);
        let draft = Draft {
            id: MailId::from(event.id),
            person: issued.person_id,
            kind: issued.kind.into(),
            about: None,
            body: body.map_err(permanent)?,
        };
        self.enqueue(draft, event, tx).await
    }

    /// Puts a mail into the outbox, once per event.
    async fn enqueue(&self, mut draft: Draft, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        let person = draft.person;
        if tx.get::<Mail>(&Mail::key_of(person, draft.id)).await?.is_some() {
            return Ok(());
        }
        let mut sealed = self.vault.seal(person, &draft.body);
        if let Ok(large) = &sealed
            && large.data.len() > limits::DOCUMENT_BYTES - 4096
        {
            // The text part says the same in less room.
            draft.body.html = None;
            sealed = self.vault.seal(person, &draft.body);
        }
        let content = match sealed {
            Ok(sealed) => Content::Sealed(sealed),
            Err(VaultError::NoKey(_)) => return Ok(()),
            Err(error) => return Err(vault(error)),
        };
        let (order, number) = draft.about.unzip();
        Ok(tx.put(&Mail {
            id: draft.id,
            person,
            kind: draft.kind,
            order,
            number,
            created_at: event.detail.metadata.occurred_at,
            state: MailState::Queued,
            content,
        })?)
    }

    fn keep_lines(
        &self,
        order: OrderId,
        offset: usize,
        lines: &[PricedLine],
        tx: &Tx,
    ) -> Result<(), HandlerError> {
        Ok(tx.overwrite(&LinesPart { order, offset, lines: lines.iter().map(Into::into).collect() })?)
    }

    async fn lines(&self, order: OrderId, tx: &Tx) -> Result<Vec<crate::model::MailLine>, HandlerError> {
        let parts =
            tx.children::<LinesPart>(Children::of(LinesPart::all_of(order).partition()).limit(50)).await?;
        Ok(parts.into_iter().flat_map(|part| part.value.lines).collect())
    }

    fn contact(&self, sealed: &Sealed) -> Result<Option<OrderContact>, HandlerError> {
        self.vault.unseal(sealed).map_err(vault)
    }
}

/// A key file that cannot be read now may be readable later; an altered seal never opens.
fn vault(error: VaultError) -> HandlerError {
    match error {
        VaultError::File { .. } => HandlerError::Temporary(error.to_string()),
        error => permanent(error),
    }
}

fn permanent(error: impl std::fmt::Display) -> HandlerError {
    HandlerError::Permanent(error.to_string())
}
