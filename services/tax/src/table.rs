use crate::model::{RateSchedule, TaxRate};
use emporia_contracts::values::{CountryCode, TaxCategory};
use emporia_store::{Version, Versioned};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc};

type Place = (CountryCode, TaxCategory);

/// All rates in memory. A table never changes; a changed rate makes a new one.
#[derive(Debug, Clone, Default)]
pub(crate) struct RateTable {
    schedules: BTreeMap<Place, (Version, Arc<Vec<TaxRate>>)>,
    evidence: String,
}

impl RateTable {
    /// The table with these schedules in place of older ones. A schedule that is older than the one here is left out,
    /// so the order in which writers come back from the store does not matter.
    pub(crate) fn with(&self, schedules: impl IntoIterator<Item = Versioned<RateSchedule>>) -> Self {
        let mut next = self.schedules.clone();
        for Versioned { version, value } in schedules {
            let place = (value.country, value.category);
            if next.get(&place).is_none_or(|(held, _)| *held < version) {
                next.insert(place, (version, Arc::new(value.rates)));
            }
        }
        let evidence = digest(next.values().flat_map(|(_, rates)| rates.iter()));
        Self { schedules: next, evidence }
    }

    pub(crate) fn rate(
        &self,
        country: &CountryCode,
        category: &TaxCategory,
        at: Timestamp,
    ) -> Option<&TaxRate> {
        let (_, rates) = self.schedules.get(&(country.clone(), category.clone()))?;
        rates.iter().find(|rate| rate.holds_at(at))
    }

    /// Every rate, by country, category and time.
    pub(crate) fn rates(&self) -> impl Iterator<Item = &TaxRate> {
        self.schedules.values().flat_map(|(_, rates)| rates.iter())
    }

    /// What tells this table from every other one: the same rates give the same text on every machine.
    pub(crate) fn evidence(&self) -> &str {
        &self.evidence
    }
}

fn digest<'a>(rates: impl Iterator<Item = &'a TaxRate>) -> String {
    let mut hash = Sha256::new();
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    for r in rates {
        let (from, until) = (moment(r.valid_from), moment(r.valid_until));
        // No part can hold a line feed, so two tables cannot read the same.
        hash.update(format!("{}\n{}\n{}\n{}\n{from}\n{until}\n", r.country, r.category, r.name, r.rate));
    }
    let hex: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("rates-{hex}")
}
