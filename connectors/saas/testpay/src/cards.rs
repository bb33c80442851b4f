//! The documented test cards (the one table of them), and the checks a card number, expiry and security code pass.
//!
//! Only the cards of the table are accepted: a real card number is refused at the door, so none is ever processed.

use crate::api::{CardDetails, DeclineCode, FieldError};

/// What a test card makes the provider do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Authorised at once.
    Approve,
    /// Declined at once for a reason.
    Decline(DeclineCode),
    /// Asks for a 3-D Secure challenge, which the shopper approves or fails.
    Challenge,
    /// Answers `pending`; authorised after [`crate::Timings::pending`].
    PendingThenApprove,
    /// Answers `pending`; declined after [`crate::Timings::pending`].
    PendingThenDecline,
    /// Authorises, but answers only after [`crate::Timings::timeout`], when every client has given up.
    Timeout,
    /// Authorises and answers after [`crate::Timings::slow`].
    Slow,
    /// Answers 500 before doing anything.
    ServerError,
    /// Authorises; every webhook is sent twice.
    DuplicateWebhooks,
    /// Answers `pending` and authorises as [`Behaviour::PendingThenApprove`] does, but every webhook is held back
    /// for [`crate::Timings::late_webhook`].
    LateWebhooks,
    /// Authorises; every capture is refused.
    CaptureFails,
}

/// A documented test card.
#[derive(Debug, PartialEq, Eq)]
pub struct TestCard {
    /// Short stable name, used in the ledger instead of the number and in `?card=` on the hosted page.
    pub name: &'static str,
    /// The number as it is printed on a card, in groups.
    pub number: &'static str,
    /// The scheme: `visa`, `mastercard` or `amex`.
    pub brand: &'static str,
    /// Digits of the security code.
    pub cvc_digits: usize,
    /// What it makes the provider do.
    pub behaviour: Behaviour,
    /// The same in words, for the hosted page and the README.
    pub description: &'static str,
}

const fn visa(
    name: &'static str,
    number: &'static str,
    behaviour: Behaviour,
    description: &'static str,
) -> TestCard {
    TestCard { name, number, brand: "visa", cvc_digits: 3, behaviour, description }
}

/// All test cards, in the order they are shown.
pub static TEST_CARDS: [TestCard; 18] = [
    visa("approve_visa", "4242 4242 4242 4242", Behaviour::Approve, "Approved (Visa)"),
    TestCard {
        name: "approve_mastercard",
        number: "5555 5555 5555 4444",
        brand: "mastercard",
        cvc_digits: 3,
        behaviour: Behaviour::Approve,
        description: "Approved (Mastercard)",
    },
    TestCard {
        name: "approve_amex",
        number: "3782 822463 10005",
        brand: "amex",
        cvc_digits: 4,
        behaviour: Behaviour::Approve,
        description: "Approved (American Express, 4-digit security code)",
    },
    visa("challenge", "4000 0000 0000 3220", Behaviour::Challenge, "Asks for a 3-D Secure challenge"),
    visa(
        "decline_generic",
        "4000 0000 0000 0002",
        Behaviour::Decline(DeclineCode::Generic),
        "Declined, no reason given",
    ),
    visa(
        "decline_insufficient_funds",
        "4000 0000 0000 9995",
        Behaviour::Decline(DeclineCode::InsufficientFunds),
        "Declined: insufficient funds",
    ),
    visa(
        "decline_lost_card",
        "4000 0000 0000 9987",
        Behaviour::Decline(DeclineCode::LostCard),
        "Declined: lost card",
    ),
    visa(
        "decline_expired_card",
        "4000 0000 0000 0069",
        Behaviour::Decline(DeclineCode::ExpiredCard),
        "Declined: expired card",
    ),
    visa(
        "decline_incorrect_cvc",
        "4000 0000 0000 0127",
        Behaviour::Decline(DeclineCode::IncorrectCvc),
        "Declined: incorrect security code",
    ),
    visa(
        "decline_fraud",
        "4100 0000 0000 0019",
        Behaviour::Decline(DeclineCode::Fraud),
        "Declined: suspected fraud",
    ),
    visa(
        "pending_approve",
        "4000 0000 0001 0100",
        Behaviour::PendingThenApprove,
        "Pending, approved a moment later by webhook",
    ),
    visa(
        "pending_decline",
        "4000 0000 0001 0209",
        Behaviour::PendingThenDecline,
        "Pending, declined a moment later by webhook",
    ),
    visa(
        "timeout",
        "4000 0000 0001 0308",
        Behaviour::Timeout,
        "Approved, but the answer comes too late (time-out)",
    ),
    visa("slow", "4000 0000 0001 0407", Behaviour::Slow, "Approved, slow answer"),
    visa("server_error", "4000 0000 0001 0506", Behaviour::ServerError, "Error 500 before anything is done"),
    visa(
        "duplicate_webhooks",
        "4000 0000 0001 0605",
        Behaviour::DuplicateWebhooks,
        "Approved, every webhook is sent twice",
    ),
    visa(
        "late_webhooks",
        "4000 0000 0001 0704",
        Behaviour::LateWebhooks,
        "Pending, then approved; every webhook comes late",
    ),
    visa(
        "capture_fails",
        "4000 0000 0001 0803",
        Behaviour::CaptureFails,
        "Approved, but captures are refused",
    ),
];

impl TestCard {
    /// The number without its spaces.
    pub fn digits(&self) -> String {
        self.number.chars().filter(char::is_ascii_digit).collect()
    }

    /// The last four digits: all that is ever kept of a number.
    pub fn last4(&self) -> &'static str {
        // Every number of the table is ASCII and ends in four digits without a space (tested).
        self.number.get(self.number.len().saturating_sub(4)..).unwrap_or_default()
    }

    /// The scheme as people write it.
    pub(crate) fn brand_name(&self) -> &'static str {
        match self.brand {
            "visa" => "Visa",
            "mastercard" => "Mastercard",
            "amex" => "American Express",
            other => other,
        }
    }

    /// The card with a name of the table.
    pub fn named(name: &str) -> Option<&'static TestCard> {
        TEST_CARDS.iter().find(|card| card.name == name)
    }
}

/// The check digit rule of ISO/IEC 7812-1 (Luhn).
pub fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit > 4 => digit * 2 - 9,
                (_, digit) => digit * 2,
            }
        })
        .sum();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && sum.is_multiple_of(10)
}

/// Checks a card as a shopper typed it. All that is wrong is told at once, by field.
///
/// Messages never repeat what was typed.
pub(crate) fn check(card: &CardDetails, now: jiff::Timestamp) -> Result<&'static TestCard, Vec<FieldError>> {
    let mut errors = Vec::new();
    let number: String = card.number.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect();
    let mut known = None;
    if number.is_empty() {
        errors.push(FieldError::new("number", "Enter the card number."));
    } else if !number.bytes().all(|byte| byte.is_ascii_digit()) || !(12..=19).contains(&number.len()) {
        errors.push(FieldError::new("number", "A card number has 12 to 19 digits."));
    } else if !luhn(&number) {
        errors.push(FieldError::new("number", "This card number is mistyped: its check digit is wrong."));
    } else {
        known = TEST_CARDS.iter().find(|known| known.digits() == number);
        if known.is_none() {
            errors.push(FieldError::new(
                "number",
                "Only the documented test cards work here. Never use a real card.",
            ));
        }
    }
    let today = jiff::tz::Offset::UTC.to_datetime(now).date();
    let this_month = (i32::from(today.year()), i32::from(today.month()));
    let expiry = (i32::from(card.exp_year), i32::from(card.exp_month));
    if !(1..=12).contains(&expiry.1) {
        errors.push(FieldError::new("expMonth", "The expiry month is a number from 1 to 12."));
    } else if expiry < this_month {
        errors.push(FieldError::new("expYear", "This card has expired: take a date in the future."));
    } else if expiry.0 > this_month.0 + 50 {
        errors.push(FieldError::new("expYear", "The expiry year has four digits and is not so far away."));
    }
    let cvc_digits = known.map_or(3..=4, |known| known.cvc_digits..=known.cvc_digits);
    if !card.cvc.bytes().all(|byte| byte.is_ascii_digit()) || !cvc_digits.contains(&card.cvc.len()) {
        let message = match known.map(|known| known.cvc_digits) {
            Some(4) => "The security code of this card has 4 digits.",
            Some(_) => "The security code of this card has 3 digits.",
            None => "The security code has 3 digits (American Express: 4).",
        };
        errors.push(FieldError::new("cvc", message));
    }
    match known {
        Some(known) if errors.is_empty() => Ok(known),
        _ => Err(errors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(number: &str, month: u8, year: u16, cvc: &str) -> CardDetails {
        CardDetails { number: number.into(), exp_month: month, exp_year: year, cvc: cvc.into() }
    }

    fn now() -> jiff::Timestamp {
        "2026-11-15T12:00:00Z".parse().unwrap()
    }

    fn fields(card: &CardDetails) -> Vec<String> {
        check(card, now()).unwrap_err().into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn every_card_of_the_table_is_valid_and_has_its_own_name_and_number() {
        for card in &TEST_CARDS {
            assert!(luhn(&card.digits()), "{}", card.number);
            assert!(card.digits().ends_with(card.last4()));
            assert_eq!(TestCard::named(card.name), Some(card));
            assert_eq!(TEST_CARDS.iter().filter(|other| other.digits() == card.digits()).count(), 1);
        }
    }

    #[test]
    fn a_card_is_valid_to_the_end_of_its_expiry_month() {
        assert!(check(&details("4242-4242 42424242", 11, 2026, "123"), now()).is_ok());
        assert_eq!(fields(&details("4242424242424242", 10, 2026, "123")), ["expYear"]);
        assert_eq!(fields(&details("4242424242424242", 13, 2026, "123")), ["expMonth"]);
        assert_eq!(fields(&details("4242424242424242", 1, 9999, "123")), ["expYear"]);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        assert_eq!(fields(&details("4242424242424241", 0, 2030, "12x")), ["number", "expMonth", "cvc"]);
        assert_eq!(fields(&details("378282246310005", 1, 2030, "123")), ["cvc"]);
        assert_eq!(fields(&details("", 1, 2030, "123")), ["number"]);
    }

    #[test]
    fn a_real_card_number_is_refused() {
        // Passes the check digit, is in no table.
        assert_eq!(fields(&details("4111111111111111", 1, 2030, "123")), ["number"]);
    }

    proptest::proptest! {
        #[test]
        fn no_input_makes_the_check_panic(number in ".{0,40}", month: u8, year: u16, cvc in ".{0,8}") {
            let _ = check(&details(&number, month, year, &cvc), now());
        }

        #[test]
        fn one_changed_digit_breaks_the_check_digit(place in 0usize..16, add in 1u8..10) {
            let mut digits = *b"4242424242424242";
            digits[place] = (digits[place] - b'0' + add) % 10 + b'0';
            proptest::prop_assert!(!luhn(std::str::from_utf8(&digits).unwrap()));
        }
    }
}
