//! In which words mails are written.

use emporia_contracts::customers::NoticeKind;
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
    pub(crate) valid_until: &'static str,
    pub(crate) registration_code: NoticeWords,
    pub(crate) already_registered: NoticeWords,
    pub(crate) password_code: NoticeWords,
    pub(crate) email_code: NoticeWords,
    pub(crate) password_changed: NoticeWords,
    pub(crate) passkey_added: NoticeWords,
    pub(crate) identity_linked: NoticeWords,
}

/// The words of a notice.
#[derive(Debug)]
pub(crate) struct NoticeWords {
    pub(crate) subject: &'static str,
    /// What it is about; a code follows, when there is one.
    pub(crate) text: &'static str,
    /// What to do if it was not the addressee himself.
    pub(crate) otherwise: &'static str,
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
    valid_until: "The code holds until",
    registration_code: NoticeWords {
        subject: "Your code to register",
        text: "somebody, we hope you, wants to open an account with this mail address. This is the code for it:",
        otherwise: "If it was not you, do nothing: without the code no account is opened, and we forget this address.",
    },
    already_registered: NoticeWords {
        subject: "You have an account already",
        text: "somebody, we hope you, wanted to open an account with this mail address. It has one already: sign in, \
               or have your password reset if you have forgotten it.",
        otherwise: "If it was not you, there is nothing to do.",
    },
    password_code: NoticeWords {
        subject: "Your code for another password",
        text: "somebody, we hope you, has forgotten the password of your account. With this code you choose another one:",
        otherwise: "If it was not you, do nothing: your password stays as it is. Tell the code to nobody.",
    },
    email_code: NoticeWords {
        subject: "Confirm your mail address",
        text: "with this code you confirm that this mail address is your own:",
        otherwise: "If you did not ask for it, there is nothing to do.",
    },
    password_changed: NoticeWords {
        subject: "Your password was changed",
        text: "the password of your account was changed, and everybody who was signed in with it was signed out.",
        otherwise: "If it was not you, have your password reset at once, and write to us.",
    },
    passkey_added: NoticeWords {
        subject: "A passkey was added to your account",
        text: "from now on your account can be signed in to with another passkey.",
        otherwise: "If it was not you, remove the passkey, have your password reset at once, and write to us.",
    },
    identity_linked: NoticeWords {
        subject: "Your account can be signed in to in another way",
        text: "from now on your account can be signed in to by another provider, where somebody, we hope you, has an \
               account with the same mail address.",
        otherwise: "If it was not you, write to us at once.",
    },
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
    valid_until: "Der Code gilt bis",
    registration_code: NoticeWords {
        subject: "Ihr Code zur Anmeldung",
        text: "jemand, wir hoffen Sie, möchte mit dieser Mailadresse ein Konto eröffnen. Das ist der Code dafür:",
        otherwise: "Wenn Sie es nicht waren, tun Sie nichts: Ohne den Code wird kein Konto eröffnet, und wir vergessen \
                    diese Adresse.",
    },
    already_registered: NoticeWords {
        subject: "Sie haben schon ein Konto",
        text: "jemand, wir hoffen Sie, wollte mit dieser Mailadresse ein Konto eröffnen. Es gibt schon eines: Melden Sie \
               sich an, oder setzen Sie Ihr Passwort zurück, wenn Sie es vergessen haben.",
        otherwise: "Wenn Sie es nicht waren, ist nichts zu tun.",
    },
    password_code: NoticeWords {
        subject: "Ihr Code für ein neues Passwort",
        text: "jemand, wir hoffen Sie, hat das Passwort Ihres Kontos vergessen. Mit diesem Code wählen Sie ein neues:",
        otherwise: "Wenn Sie es nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist. Verraten Sie den Code \
                    niemandem.",
    },
    email_code: NoticeWords {
        subject: "Bestätigen Sie Ihre Mailadresse",
        text: "mit diesem Code bestätigen Sie, dass diese Mailadresse Ihre eigene ist:",
        otherwise: "Wenn Sie nicht darum gebeten haben, ist nichts zu tun.",
    },
    password_changed: NoticeWords {
        subject: "Ihr Passwort wurde geändert",
        text: "das Passwort Ihres Kontos wurde geändert, und wer damit angemeldet war, wurde abgemeldet.",
        otherwise: "Wenn Sie es nicht waren, setzen Sie Ihr Passwort sofort zurück, und schreiben Sie uns.",
    },
    passkey_added: NoticeWords {
        subject: "Ihr Konto hat einen neuen Passkey",
        text: "ab jetzt kann man sich bei Ihrem Konto mit einem weiteren Passkey anmelden.",
        otherwise: "Wenn Sie es nicht waren, entfernen Sie den Passkey, setzen Sie Ihr Passwort sofort zurück, und \
                    schreiben Sie uns.",
    },
    identity_linked: NoticeWords {
        subject: "Anmelden bei Ihrem Konto geht auf einem weiteren Weg",
        text: "ab jetzt kann man sich bei Ihrem Konto auch über einen anderen Anbieter anmelden, bei dem jemand, wir hoffen \
               Sie, ein Konto mit derselben Mailadresse hat.",
        otherwise: "Wenn Sie es nicht waren, schreiben Sie uns sofort.",
    },
};

impl Language {
    /// The language of a BCP 47 tag; English when we do not speak it.
    pub(crate) fn of(locale: &str) -> &'static Self {
        match locale.split('-').next() {
            Some("de") => &GERMAN,
            _ => &ENGLISH,
        }
    }

    /// The words of a notice.
    pub(crate) fn notice(&self, kind: NoticeKind) -> &NoticeWords {
        match kind {
            NoticeKind::RegistrationCode => &self.registration_code,
            NoticeKind::AlreadyRegistered => &self.already_registered,
            NoticeKind::PasswordCode => &self.password_code,
            NoticeKind::EmailCode => &self.email_code,
            NoticeKind::PasswordChanged => &self.password_changed,
            NoticeKind::PasskeyAdded => &self.passkey_added,
            NoticeKind::IdentityLinked => &self.identity_linked,
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
