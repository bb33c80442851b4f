//! What mails say. Every amount is written as the order has it; nothing is computed here.

use crate::{
    language::{Language, NoticeWords},
    model::{MailBody, MailLine, OrderRecord, one_line},
};
use askama::Template;
use emporia_contracts::{
    channels::PriceKind,
    customers::{AccountNotice, NoticeKind},
    orders::{FulfilmentShipped, OrderContact},
    values::Address,
};

struct Line {
    quantity: i64,
    title: String,
    sku: String,
    unit_price: String,
    amount: String,
}

struct Amount {
    name: String,
    amount: String,
}

struct OrderContents<'a> {
    words: &'static Language,
    shop: &'a str,
    name: Option<String>,
    number: &'a str,
    lines: Vec<Line>,
    items: String,
    delivery: Option<Amount>,
    taxes: Vec<Amount>,
    tax_included: bool,
    total: String,
    tenders: Vec<Amount>,
    ship_to: Option<Vec<String>>,
    bill_to: Option<Vec<String>>,
}

#[derive(Template)]
#[template(path = "order_confirmation.txt")]
struct OrderText<'a> {
    o: &'a OrderContents<'a>,
}

#[derive(Template)]
#[template(path = "order_confirmation.html")]
struct OrderHtml<'a> {
    o: &'a OrderContents<'a>,
}

struct ShippingContents<'a> {
    words: &'static Language,
    shop: &'a str,
    name: Option<String>,
    number: &'a str,
    lines: Vec<Line>,
    carrier: Option<String>,
    tracking: Option<String>,
    ship_to: Option<Vec<String>>,
}

#[derive(Template)]
#[template(path = "shipping_confirmation.txt")]
struct ShippingText<'a> {
    o: &'a ShippingContents<'a>,
}

#[derive(Template)]
#[template(path = "shipping_confirmation.html")]
struct ShippingHtml<'a> {
    o: &'a ShippingContents<'a>,
}

struct NoticeContents<'a> {
    words: &'static Language,
    notice: &'static NoticeWords,
    shop: &'a str,
    name: Option<String>,
    code: Option<&'a str>,
    valid_until: Option<String>,
}

#[derive(Template)]
#[template(path = "account_notice.txt")]
struct NoticeText<'a> {
    o: &'a NoticeContents<'a>,
}

#[derive(Template)]
#[template(path = "account_notice.html")]
struct NoticeHtml<'a> {
    o: &'a NoticeContents<'a>,
}

/// What an account's holder is told.
pub(crate) fn account_notice(
    shop: &str,
    kind: NoticeKind,
    locale: &str,
    notice: &AccountNotice,
) -> Result<MailBody, askama::Error> {
    let words = Language::of(locale);
    let contents = NoticeContents {
        words,
        notice: words.notice(kind),
        shop,
        name: notice.name.as_deref().map(one_line),
        code: notice.code.as_deref(),
        valid_until: notice.valid_until.map(|until| until.strftime("%Y-%m-%d %H:%M UTC").to_string()),
    };
    Ok(MailBody {
        to: notice.email.clone(),
        name: contents.name.clone(),
        subject: contents.notice.subject.to_owned(),
        text: NoticeText { o: &contents }.render()?,
        html: Some(NoticeHtml { o: &contents }.render()?),
    })
}

/// The confirmation of an order.
pub(crate) fn order_confirmation(
    shop: &str,
    order: &OrderRecord,
    lines: &[MailLine],
    contact: &OrderContact,
) -> Result<MailBody, askama::Error> {
    let words = Language::of(&order.locale);
    let totals = &order.totals;
    let amount = |name: &str, money| Amount { name: one_line(name), amount: words.money(money) };
    let contents = OrderContents {
        words,
        shop,
        name: addressee(contact),
        number: &order.number,
        lines: lines.iter().map(|line| shown(words, line, line.quantity)).collect(),
        items: words.money(totals.items),
        delivery: order.delivery.as_ref().map(|name| amount(name, totals.delivery)),
        taxes: totals.taxes.iter().map(|tax| amount(&tax.name, tax.tax)).collect(),
        tax_included: order.prices == PriceKind::Gross,
        total: words.money(totals.total),
        tenders: order.tenders.iter().map(|tender| amount(&tender.label, tender.amount)).collect(),
        ship_to: contact.shipping.as_ref().map(postal),
        bill_to: contact.billing.as_ref().filter(|b| contact.shipping.as_ref() != Some(b)).map(postal),
    };
    Ok(MailBody {
        to: contact.email.clone(),
        name: contents.name.clone(),
        subject: one_line(&format!("{} {}", words.order_subject, order.number)),
        text: OrderText { o: &contents }.render()?,
        html: Some(OrderHtml { o: &contents }.render()?),
    })
}

/// Some units of an order are on their way.
pub(crate) fn shipping_confirmation(
    shop: &str,
    order: &OrderRecord,
    lines: &[MailLine],
    contact: &OrderContact,
    shipped: &FulfilmentShipped,
) -> Result<MailBody, askama::Error> {
    let words = Language::of(&order.locale);
    let known = |id| lines.iter().find(|line| line.id == id);
    let units = shipped.lines.iter().map(|units| match known(units.line_id) {
        Some(line) => shown(words, line, units.quantity.units()),
        // A line whose title never came is still told by its SKU.
        None => Line {
            quantity: units.quantity.units(),
            title: units.sku.to_string(),
            sku: units.sku.to_string(),
            unit_price: String::new(),
            amount: String::new(),
        },
    });
    let contents = ShippingContents {
        words,
        shop,
        name: addressee(contact),
        number: &order.number,
        lines: units.collect(),
        carrier: shipped.carrier.as_deref().map(one_line),
        tracking: shipped.tracking_number.as_deref().map(one_line),
        ship_to: contact.shipping.as_ref().map(postal),
    };
    Ok(MailBody {
        to: contact.email.clone(),
        name: contents.name.clone(),
        subject: one_line(&format!("{} {}", words.shipping_subject, order.number)),
        text: ShippingText { o: &contents }.render()?,
        html: Some(ShippingHtml { o: &contents }.render()?),
    })
}

fn shown(words: &Language, line: &MailLine, quantity: i64) -> Line {
    Line {
        quantity,
        title: line.title.clone(),
        sku: line.sku.clone(),
        unit_price: words.decimal(&line.unit_price),
        amount: words.money(line.amount),
    }
}

fn addressee(contact: &OrderContact) -> Option<String> {
    contact.shipping.as_ref().or(contact.billing.as_ref()).map(|address| one_line(&address.name))
}

/// An address in lines, as it stands on a parcel.
fn postal(address: &Address) -> Vec<String> {
    let town = [address.postal_code.as_deref(), Some(&address.city), address.region.as_deref()];
    let town = town.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let lines = [
        Some(address.name.as_str()),
        address.company.as_deref(),
        Some(&address.line1),
        address.line2.as_deref(),
        Some(&town),
        Some(address.country.as_str()),
    ];
    lines.into_iter().flatten().filter(|line| !line.trim().is_empty()).map(one_line).collect()
}
