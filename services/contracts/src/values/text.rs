/// Why a text is not a value of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{got}\" is not a valid {what}: {rule}")]
pub struct TextError {
    /// The kind.
    pub what: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
    /// What was given, shortened.
    pub got: String,
}

macro_rules! text_value {
    ($(#[$meta:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(TextError { what: $what, rule: $rule, got: text.chars().take(60).collect() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.as_ref().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn bounded(text: &str, max: usize, allowed: fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= max && text.chars().all(allowed)
}

fn lower_key(text: &str, max: usize) -> bool {
    bounded(text, max, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

text_value!(
    /// A stock keeping unit: the retailer's own name of a variant. It never changes.
    Sku, "SKU", "1 to 64 visible ASCII characters without spaces",
    |text| bounded(text, 64, |c| c.is_ascii_graphic())
);

text_value!(
    /// The key of a sales channel, such as `eu` or `us`.
    ChannelKey, "channel key", "1 to 40 lower-case letters, digits and inner hyphens",
    |text| lower_key(text, 40)
);

text_value!(
    /// The key of a stock location: a warehouse or a store.
    LocationKey, "location key", "1 to 40 lower-case letters, digits and inner hyphens",
    |text| lower_key(text, 40)
);

text_value!(
    /// The name of a thing in addresses of pages.
    Slug, "slug", "1 to 120 lower-case letters, digits and inner hyphens",
    |text| lower_key(text, 120)
);

text_value!(
    /// A class of goods for tax: `standard`, `reduced`, `zero`, `shipping` …
    TaxCategory, "tax category", "1 to 40 lower-case letters, digits and inner hyphens",
    |text| lower_key(text, 40)
);

text_value!(
    /// Another system's id of something: unique within its source, kept for ever.
    ExternalId, "external id", "1 to 200 visible characters",
    |text| bounded(text, 200, |c| !c.is_control())
);

text_value!(
    /// A country of ISO 3166-1 (alpha-2 form, capital letters).
    CountryCode, "country", "an ISO 3166-1 alpha-2 code such as DE, US or JP",
    |text| COUNTRIES.split(' ').any(|code| code == text)
);

text_value!(
    /// A language tag of BCP 47: a language with an optional script and region, such as `en`, `de-CH` or `zh-Hant`.
    Locale, "locale", "a BCP 47 tag such as en, de-CH or zh-Hant",
    |text| {
        let mut parts = text.split('-');
        let language = parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_lowercase()));
        let rest: Vec<&str> = parts.collect();
        language && rest.len() <= 2 && rest.iter().all(|p| match p.len() {
            4 => p.bytes().enumerate().all(|(i, b)| if i == 0 { b.is_ascii_uppercase() } else { b.is_ascii_lowercase() }),
            2 => p.bytes().all(|b| b.is_ascii_uppercase()),
            3 => p.bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        })
    }
);

impl Locale {
    /// The tags to try in order: `de-CH` then `de`.
    pub fn fallbacks(&self) -> impl Iterator<Item = &str> {
        let mut next = Some(self.as_str());
        std::iter::from_fn(move || {
            let this = next?;
            next = this.rsplit_once('-').map(|(head, _)| head);
            Some(this)
        })
    }
}

/// ISO 3166-1 alpha-2, officially assigned.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";
