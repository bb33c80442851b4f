//! The form of a mail on its way: RFC 5322 with a text and an HTML part.

use crate::model::{MailBody, MailId};
use jiff::Timestamp;
use lettre::{
    Address, Message,
    message::{Mailbox, MultiPart, MultiPartKind, SinglePart, header::ContentType},
};
use std::time::{Duration, UNIX_EPOCH};

/// Who sends.
#[derive(Debug)]
pub(crate) struct Sender(Mailbox);

impl Sender {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// Writes a mail. The same mail is always written the same way, so delivering it twice changes nothing.
///
/// # Errors
/// Why nobody can be reached like this; it does not repeat the address.
pub(crate) fn write(
    sender: &Sender,
    id: MailId,
    created_at: Timestamp,
    body: MailBody,
) -> Result<Vec<u8>, String> {
    let sent = UNIX_EPOCH + Duration::from_secs(u64::try_from(created_at.as_second()).unwrap_or(0));
    let to: Address =
        body.to.as_str().parse().map_err(|error: lettre::address::AddressError| error.to_string())?;
    let message = Message::builder()
        .from(sender.0.clone())
        .to(Mailbox::new(body.name, to))
        .subject(body.subject)
        .date(sent)
        .message_id(Some(format!("<{id}@{}>", sender.0.email.domain())));
    let text = SinglePart::plain(body.text);
    let message = match body.html {
        None => message.singlepart(text),
        Some(html) => {
            let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(html);
            let parts = MultiPart::builder().kind(MultiPartKind::Alternative).boundary(format!("=_{id}"));
            message.multipart(parts.singlepart(text).singlepart(html))
        }
    };
    message.map(|message| message.formatted()).map_err(|error| error.to_string())
}
