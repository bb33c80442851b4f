use crate::values::CountryCode;
use serde::{Deserialize, Serialize};

/// A postal address and who receives there. Personal: it is stored sealed under the person's key only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Who receives.
    pub name: String,
    /// Company, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, entrance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// State, province or prefecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Post code; some countries have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country.
    pub country: CountryCode,
    /// Telephone, for the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Which part of an address is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct AddressError {
    /// The field by its name in the API.
    pub field: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl Address {
    /// Checks that required parts are there and nothing is too long or has control characters.
    ///
    /// # Errors
    /// [`AddressError`] names the first wrong field.
    pub fn checked(self) -> Result<Self, AddressError> {
        let required = [("name", &self.name), ("line1", &self.line1), ("city", &self.city)];
        let optional = [
            ("company", &self.company),
            ("line2", &self.line2),
            ("region", &self.region),
            ("postalCode", &self.postal_code),
            ("phone", &self.phone),
        ];
        for (field, text) in required {
            if text.trim().is_empty() {
                return Err(AddressError { field, rule: "is required" });
            }
            check_text(field, text)?;
        }
        for (field, text) in optional {
            if let Some(text) = text {
                check_text(field, text)?;
            }
        }
        Ok(self)
    }
}

fn check_text(field: &'static str, text: &str) -> Result<(), AddressError> {
    if text.chars().count() > 120 {
        return Err(AddressError { field, rule: "has more than 120 characters" });
    }
    if text.chars().any(char::is_control) {
        return Err(AddressError { field, rule: "has control characters" });
    }
    Ok(())
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.country)
    }
}
