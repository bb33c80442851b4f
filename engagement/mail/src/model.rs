use emporia_contracts::{
    channels::PriceKind,
    customers::NoticeKind,
    ids::{OrderId, OrderLineId},
    orders::{OrderTender, PricedLine, Totals},
    values::Email,
};
use emporia_id::typed_id;
use emporia_money::Money;
use emporia_store::{Document, IndexEntry, IndexKey, Key, SpaceSchema};
use emporia_vault::{PersonId, Sealed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

typed_id!(/** A mail. It is the id of the event that it tells of, so no event makes two. */ MailId, "mal");

/// The key-space of the outbox.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("mail")
        .with(emporia_audit::recorded)
        .schema(1)
        .collection::<Mail>()
        .index("by_id")
        .index("by_created")
        .index("queued")
        .collection::<OrderRecord>()
        .collection::<LinesPart>()
        .with(emporia_events::consumers)
}

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// The order was placed.
    OrderConfirmation,
    /// Goods are on their way.
    ShippingConfirmation,
    /// The code with which an account is opened.
    RegistrationCode,
    /// There is an account with this mail address already.
    AlreadyRegistered,
    /// The code with which another password is chosen.
    PasswordCode,
    /// The code that shows that the mail address is one's own.
    EmailCode,
    /// The password was changed.
    PasswordChanged,
    /// The account can be signed in to with another passkey.
    PasskeyAdded,
    /// The account can be signed in to by the word of another provider.
    IdentityLinked,
}

impl From<NoticeKind> for MailKind {
    fn from(kind: NoticeKind) -> Self {
        match kind {
            NoticeKind::RegistrationCode => Self::RegistrationCode,
            NoticeKind::AlreadyRegistered => Self::AlreadyRegistered,
            NoticeKind::PasswordCode => Self::PasswordCode,
            NoticeKind::EmailCode => Self::EmailCode,
            NoticeKind::PasswordChanged => Self::PasswordChanged,
            NoticeKind::PasskeyAdded => Self::PasskeyAdded,
            NoticeKind::IdentityLinked => Self::IdentityLinked,
        }
    }
}

/// Where a mail stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// It waits for delivery.
    Queued,
    /// It was handed over.
    Delivered(Timestamp),
    /// Nobody can be reached with this address.
    Undeliverable(String),
}

/// What is in a mail. Personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailBody {
    /// To which address.
    pub to: Email,
    /// To whom.
    pub name: Option<String>,
    /// The subject.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part; left out when the mail would be too large with it.
    pub html: Option<String>,
}

/// A mail in the outbox. All of a person's are in one partition, so that erasure misses none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mail {
    pub(crate) id: MailId,
    pub(crate) person: PersonId,
    pub(crate) kind: MailKind,
    /// The order that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<OrderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) state: MailState,
    pub(crate) content: Content,
}

/// A mail's body, while there is one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Content {
    /// [`MailBody`].
    Sealed(Sealed),
    /// The person was erased.
    Erased(Timestamp),
}

impl Mail {
    /// About what it takes in a transaction.
    pub(crate) fn bytes(&self) -> usize {
        match &self.content {
            Content::Sealed(sealed) => sealed.data.len(),
            Content::Erased(_) => 1,
        }
    }

    pub(crate) fn key_of(person: PersonId, id: MailId) -> Key {
        Self::all_of(person).child(id.to_string())
    }

    /// The partition of all mails of one person.
    pub(crate) fn all_of(person: PersonId) -> Key {
        Key::of(Self::COLLECTION, person.to_string())
    }
}

impl Document for Mail {
    const COLLECTION: &'static str = "mail";

    fn key(&self) -> Key {
        Self::key_of(self.person, self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let created = || IndexKey::new().time(self.created_at);
        let mut entries = vec![
            IndexEntry::new("by_id", IndexKey::new().text(&self.id.to_string())),
            IndexEntry::new("by_created", created()),
        ];
        if self.state == MailState::Queued && matches!(self.content, Content::Sealed(_)) {
            entries.push(IndexEntry::new("queued", created()));
        }
        entries
    }
}

/// What later mails about an order need to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OrderRecord {
    pub(crate) order: OrderId,
    pub(crate) number: String,
    pub(crate) locale: String,
    /// The order's contact, as the event brought it.
    pub(crate) contact: Sealed,
    pub(crate) prices: PriceKind,
    pub(crate) totals: Totals,
    pub(crate) delivery: Option<String>,
    pub(crate) tenders: Vec<OrderTender>,
    /// How many lines the order has; its confirmation is made when all are here.
    pub(crate) lines: usize,
    pub(crate) confirmation: MailId,
}

impl OrderRecord {
    pub(crate) fn key_of(order: OrderId) -> Key {
        Key::of(Self::COLLECTION, order.to_string())
    }
}

impl Document for OrderRecord {
    const COLLECTION: &'static str = "order";

    fn key(&self) -> Key {
        Self::key_of(self.order)
    }
}

/// Some lines of an order, as mails show them: a long order comes in several events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LinesPart {
    pub(crate) order: OrderId,
    pub(crate) offset: usize,
    pub(crate) lines: Vec<MailLine>,
}

impl LinesPart {
    pub(crate) fn all_of(order: OrderId) -> Key {
        Key::of(Self::COLLECTION, order.to_string())
    }
}

impl Document for LinesPart {
    const COLLECTION: &'static str = "lines";

    fn key(&self) -> Key {
        Self::all_of(self.order).child(format!("{:08}", self.offset))
    }
}

/// A line, as mails show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MailLine {
    pub(crate) id: OrderLineId,
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price: String,
    pub(crate) amount: Money,
}

/// So much of a title is shown.
const TITLE: usize = 120;

impl From<&PricedLine> for MailLine {
    fn from(line: &PricedLine) -> Self {
        let mut title = line.title.clone();
        for (i, option) in line.options.iter().enumerate() {
            title.push_str(if i == 0 { " – " } else { ", " });
            title.push_str(&option.value);
        }
        Self {
            id: line.id,
            sku: line.sku.to_string(),
            title: one_line(&title),
            quantity: line.quantity.units(),
            unit_price: line.unit_price.to_decimal_string(),
            amount: line.amount,
        }
    }
}

/// A text without control characters (a line break in a subject would begin another header) and of bounded length.
pub(crate) fn one_line(text: &str) -> String {
    let mut cleaned: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TITLE + 1).collect();
    if cleaned.chars().count() > TITLE {
        cleaned.pop();
        cleaned.push('…');
    }
    cleaned
}
