use crate::user_error::{UserError, UserErrorCode};
use async_graphql::{InputObject, SimpleObject};
use emporia_contracts::values::Address;
use serde::Serialize;

/// A postal address.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(shareable)]
pub struct PostalAddress {
    /// Who receives.
    pub name: String,
    /// Company.
    pub company: Option<String>,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, entrance.
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// State, province or prefecture.
    pub region: Option<String>,
    /// Post code.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
    /// Telephone.
    pub phone: Option<String>,
}

impl From<Address> for PostalAddress {
    fn from(a: Address) -> Self {
        Self {
            name: a.name,
            company: a.company,
            line1: a.line1,
            line2: a.line2,
            city: a.city,
            region: a.region,
            postal_code: a.postal_code,
            country_code: a.country.to_string(),
            phone: a.phone,
        }
    }
}

/// A postal address as a client gives it.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct AddressInput {
    /// Who receives.
    pub name: String,
    /// Company.
    pub company: Option<String>,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, entrance.
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// State, province or prefecture.
    pub region: Option<String>,
    /// Post code.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
    /// Telephone.
    pub phone: Option<String>,
}

impl AddressInput {
    /// The address, checked; the error's path begins with `field`.
    ///
    /// # Errors
    /// A [`UserError`] that names the first wrong part.
    pub fn checked(self, field: &str) -> Result<Address, UserError> {
        let country = self.country_code.parse().map_err(|error: emporia_contracts::values::TextError| {
            UserError::new(UserErrorCode::Invalid, &format!("{field}.countryCode"), error.to_string())
        })?;
        let address = Address {
            name: self.name.trim().to_owned(),
            company: self.company,
            line1: self.line1.trim().to_owned(),
            line2: self.line2,
            city: self.city.trim().to_owned(),
            region: self.region,
            postal_code: self.postal_code,
            country,
            phone: self.phone,
        };
        address.checked().map_err(|error| {
            UserError::new(UserErrorCode::Invalid, &format!("{field}.{}", error.field), error.to_string())
        })
    }
}
