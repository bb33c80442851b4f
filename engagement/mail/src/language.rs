//! In which words mails are written.

use emporia_money::Money;

/// The words of one language.
#[derive(Debug)]
pub(crate) struct Language {
    pub(crate) tag: &'static str,
    pub(crate) decimal_point: &'static str,
    pub(crate) order_subject: &'static str,
    pub(crate) shipping_subject: &'static str,
    pub(crate) hello: &'static str,
    pub(crate) thanks: &'static str,
    pub(crate) on_its_way: &'static str,
    pub(crate) order_number: &'static str,
    pub(crate) each: &'static str,
    pub(crate) items: &'static str,
    pub(crate) delivery: &'static str,
    pub(crate) tax_included: &'static str,
    pub(crate) tax_added: &'static str,
    pub(crate) total: &'static str,
    pub(crate) payment: &'static str,
    pub(crate) ship_to: &'static str,
    pub(crate) bill_to: &'static str,
    pub(crate) carrier: &'static str,
    pub(crate) tracking: &'static str,
    pub(crate) regards: &'static str,
}

const ENGLISH: Language = Language {
    tag: "en",
    decimal_point: ".",
    order_subject: "Your order",
    shipping_subject: "On its way: your order",
    hello: "Hello",
    thanks: "thank you for your order. This is what we will send you:",
    on_its_way: "these items of your order are on their way to you:",
    order_number: "Order number",
    each: "each",
    items: "Items",
    delivery: "Delivery",
    tax_included: "including tax",
    tax_added: "Tax",
    total: "Total",
    payment: "Payment",
    ship_to: "Delivery to",
    bill_to: "Invoice to",
    carrier: "Carrier",
    tracking: "Tracking number",
    regards: "Kind regards",
};

const GERMAN: Language = Language {
    tag: "de",
    decimal_point: ",",
    order_subject: "Ihre Bestellung",
    shipping_subject: "Unterwegs: Ihre Bestellung",
    hello: "Guten Tag",
    thanks: "vielen Dank für Ihre Bestellung. Das senden wir Ihnen:",
    on_its_way: "diese Artikel Ihrer Bestellung sind unterwegs zu Ihnen:",
    order_number: "Bestellnummer",
    each: "je Stück",
    items: "Artikel",
    delivery: "Lieferung",
    tax_included: "darin Steuer",
    tax_added: "Steuer",
    total: "Gesamtbetrag",
    payment: "Zahlung",
    ship_to: "Lieferung an",
    bill_to: "Rechnung an",
    carrier: "Versand mit",
    tracking: "Sendungsnummer",
    regards: "Mit freundlichen Grüßen",
};

impl Language {
    /// The language of a BCP 47 tag; English when we do not speak it.
    pub(crate) fn of(locale: &str) -> &'static Self {
        match locale.split('-').next() {
            Some("de") => &GERMAN,
            _ => &ENGLISH,
        }
    }

    /// An amount: its exact decimals and the currency's code.
    pub(crate) fn money(&self, amount: Money) -> String {
        format!("{} {}", self.decimal(&amount.to_decimal_string()), amount.currency())
    }

    /// A decimal in the language's notation.
    pub(crate) fn decimal(&self, plain: &str) -> String {
        plain.replace('.', self.decimal_point)
    }
}
