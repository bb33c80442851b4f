use crate::import::online_retail::Row;
use emporia_contracts::orders::LineKind;
use std::fmt;

/// What a row of the file is. Every row is exactly one of these; see `docs/online-retail.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Goods sold.
    Sale,
    /// Goods given for nothing with an order.
    FreeLine,
    /// Postage and carriage.
    Postage,
    /// Fees, manual lines, samples, vouchers.
    FeeOrService,
    /// Goods that came back.
    Return,
    /// Discounts.
    Discount,
    /// Postage, fees or services given back or charged to us.
    Reversal,
    /// Stock lost, broken or corrected, without a sale.
    WriteOff,
    /// Bookings of finance: bad debt.
    FinanceAdjustment,
}

impl Class {
    /// All classes, in the order of the report.
    pub const ALL: [Self; 9] = [
        Self::Sale,
        Self::FreeLine,
        Self::Postage,
        Self::FeeOrService,
        Self::Return,
        Self::Discount,
        Self::Reversal,
        Self::WriteOff,
        Self::FinanceAdjustment,
    ];

    /// The class of a row.
    pub fn of(row: &Row) -> Self {
        let kind = kind(&row.code);
        let goods = kind == LineKind::Goods;
        match row.invoice.as_bytes().first() {
            Some(b'A') => Self::FinanceAdjustment,
            Some(b'C') if goods => Self::Return,
            Some(b'C') if kind == LineKind::Discount => Self::Discount,
            Some(b'C') => Self::Reversal,
            _ if row.quantity <= 0 => Self::WriteOff,
            _ if goods && row.price.is_zero() => Self::FreeLine,
            _ => match kind {
                LineKind::Goods => Self::Sale,
                LineKind::Delivery => Self::Postage,
                LineKind::Discount => Self::Discount,
                LineKind::Service | LineKind::Charge => Self::FeeOrService,
            },
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sale => "sales",
            Self::FreeLine => "free lines",
            Self::Postage => "postage",
            Self::FeeOrService => "fees and services",
            Self::Return => "returns",
            Self::Discount => "discounts",
            Self::Reversal => "reversals of charges",
            Self::WriteOff => "stock write-offs",
            Self::FinanceAdjustment => "finance adjustments",
        })
    }
}

/// What a code stands for: everything that is not in this list is goods.
pub(crate) fn kind(code: &str) -> LineKind {
    match code {
        "POST" | "DOT" | "C2" => LineKind::Delivery,
        "D" => LineKind::Discount,
        "M" | "m" | "S" | "B" | "BANK CHARGES" | "AMAZONFEE" | "CRUK" => LineKind::Charge,
        voucher if voucher.starts_with("gift_") => LineKind::Service,
        _ => LineKind::Goods,
    }
}

/// ISO code of a country's name in the file. Where the file names none (`Unspecified`, `European Community`) it is the
/// shop's own.
pub(crate) fn country(name: &str) -> &'static str {
    match name {
        "Australia" => "AU",
        "Austria" => "AT",
        "Bahrain" => "BH",
        "Belgium" => "BE",
        "Brazil" => "BR",
        "Canada" => "CA",
        "Channel Islands" => "JE",
        "Cyprus" => "CY",
        "Czech Republic" => "CZ",
        "Denmark" => "DK",
        "EIRE" => "IE",
        "Finland" => "FI",
        "France" => "FR",
        "Germany" => "DE",
        "Greece" => "GR",
        "Hong Kong" => "HK",
        "Iceland" => "IS",
        "Israel" => "IL",
        "Italy" => "IT",
        "Japan" => "JP",
        "Lebanon" => "LB",
        "Lithuania" => "LT",
        "Malta" => "MT",
        "Netherlands" => "NL",
        "Norway" => "NO",
        "Poland" => "PL",
        "Portugal" => "PT",
        "RSA" => "ZA",
        "Saudi Arabia" => "SA",
        "Singapore" => "SG",
        "Spain" => "ES",
        "Sweden" => "SE",
        "Switzerland" => "CH",
        "USA" => "US",
        "United Arab Emirates" => "AE",
        _ => "GB",
    }
}
