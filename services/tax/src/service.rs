use crate::{
    assessment::{Taxed, assess_lines},
    commands::{self, RateRefusal},
    model::{RateSchedule, TaxRate},
    table::RateTable,
};
use arc_swap::ArcSwap;
use emporia_contracts::{
    channels::PriceKind,
    tax::{AssessTax, LineTax, Tax, TaxAssessment, TaxRefusal},
    values::CountryCode,
};
use emporia_events::{EventMeta, envelope};
use emporia_id::Ids;
use emporia_money::MoneyError;
use emporia_store::{Key, Query, Space, StoreError, Version, Versioned, carried};
use std::sync::Arc;

/// Rates defined in one transaction: each is a document and an event.
const BATCH: usize = 45;

/// Tax rates, held in memory and kept in the store. Cheap to clone.
#[derive(Clone)]
pub struct TaxService {
    space: Space,
    ids: Ids,
    table: Arc<ArcSwap<RateTable>>,
}

/// Why a rate cannot be defined.
#[derive(Debug, thiserror::Error)]
pub enum TaxError {
    /// It is not acceptable.
    #[error(transparent)]
    Refused(#[from] RateRefusal),
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TaxService {
    /// Reads all rates into memory.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn new(space: Space, ids: Ids) -> Result<Self, StoreError> {
        let this = Self { space, ids, table: Arc::new(ArcSwap::from_pointee(RateTable::default().with([]))) };
        this.reload().await?;
        Ok(this)
    }

    /// Reads all rates again: after another process has defined one.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.space.query::<RateSchedule>(Query::index("schedules").after(after)).await?;
            after = page.items.last().map(|(cursor, _)| cursor.clone()).filter(|_| page.has_more);
            self.take_in(page.items.into_iter().map(|(_, schedule)| schedule).collect());
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn take_in(&self, schedules: Vec<Versioned<RateSchedule>>) {
        self.table.rcu(|table| table.with(schedules.iter().cloned()));
    }

    /// Defines a rate, or corrects the one that begins at the same moment. Idempotent: the same again changes nothing.
    ///
    /// # Errors
    /// [`TaxError::Refused`] says which rule the rate breaks.
    pub async fn define_rate(&self, rate: TaxRate, meta: EventMeta) -> Result<TaxRate, TaxError> {
        let rate = TaxRate { name: rate.name.trim().to_owned(), ..rate };
        self.define_rates(vec![rate.clone()], meta).await?;
        Ok(rate)
    }

    /// Defines many rates, as many as fit at a time in one transaction, in order. Returns how many were new or changed.
    ///
    /// # Errors
    /// The first refusal; rates of earlier transactions stay, and doing it all again is harmless.
    pub async fn define_rates(&self, rates: Vec<TaxRate>, meta: EventMeta) -> Result<usize, TaxError> {
        let this = self.clone();
        // In a task of its own: a caller that goes away must not leave the memory behind the store.
        let task = tokio::spawn(carried(async move {
            let mut changed = 0;
            for batch in rates.chunks(BATCH) {
                let outcome = this.commit(batch, &meta).await;
                this.refresh(batch).await?;
                changed += outcome?;
            }
            Ok(changed)
        }));
        task.await.map_err(|error| StoreError::Unavailable { detail: error.to_string() })?
    }

    async fn commit(&self, rates: &[TaxRate], meta: &EventMeta) -> Result<usize, TaxError> {
        let this = self;
        self.space
            .transact(|tx| async move {
                let mut changed = 0;
                for rate in rates {
                    let key = RateSchedule::key_of(&rate.country, &rate.category);
                    let before = tx.get::<RateSchedule>(&key).await?;
                    if let Some((schedule, event)) =
                        commands::define(before.as_ref().map(|b| &b.value), rate)?
                    {
                        tx.put(&schedule)?;
                        tx.emit(envelope(&event, meta, &this.ids, this.space.clock().as_ref())?)?;
                        changed += 1;
                    }
                }
                Ok::<_, TaxError>(changed)
            })
            .await
    }

    /// Takes what the store has now, whatever became of a commit.
    async fn refresh(&self, rates: &[TaxRate]) -> Result<(), StoreError> {
        let keys: Vec<Key> = rates.iter().map(|r| RateSchedule::key_of(&r.country, &r.category)).collect();
        let found = self.space.get_many::<RateSchedule>(&keys).await?;
        self.take_in(found.into_iter().flatten().filter(|found| found.version > Version::NEW).collect());
        Ok(())
    }

    /// Every rate, or those of one country, by country, category and time. From memory.
    pub fn rates(&self, country: Option<&CountryCode>) -> Vec<TaxRate> {
        let table = self.table.load();
        table.rates().filter(|rate| country.is_none_or(|c| rate.country == *c)).cloned().collect()
    }

    /// What tells the present rates from all others, as assessments name it.
    pub fn rates_version(&self) -> String {
        self.table.load().evidence().to_owned()
    }

    /// Assesses lines, from memory: the same as [`Tax::assess`], without waiting.
    ///
    /// # Errors
    /// [`TaxRefusal::NoRate`] and [`TaxRefusal::Amounts`].
    pub fn assess_now(&self, request: &AssessTax) -> Result<TaxAssessment, TaxRefusal> {
        let table = self.table.load();
        let rate = |category| {
            table.rate(&request.country, category, request.at).ok_or_else(|| TaxRefusal::NoRate {
                country: request.country.clone(),
                category: category.clone(),
            })
        };
        let rates: Vec<&TaxRate> =
            request.lines.iter().map(|l| rate(&l.category)).collect::<Result<_, _>>()?;
        let known = request.lines.iter().zip(&rates);
        let taxed: Vec<Taxed> =
            known.map(|(l, r)| Taxed { amount: l.amount, quantity: l.quantity, rate: r.rate }).collect();
        let amounts = |error: MoneyError| TaxRefusal::Amounts(error.to_string());
        let taxes = assess_lines(request.kind, request.rounding, &taxed).map_err(amounts)?;
        let line = |((line, rate), tax): ((&Taxed, &&TaxRate), _)| {
            let (net, gross) = match request.kind {
                PriceKind::Gross => (line.amount.minus(tax)?, line.amount),
                PriceKind::Net => (line.amount, line.amount.plus(tax)?),
            };
            Ok(LineTax { net, tax, gross, rate: rate.rate, name: rate.name.clone() })
        };
        let lines =
            taxed.iter().zip(&rates).zip(taxes).map(line).collect::<Result<_, _>>().map_err(amounts)?;
        Ok(TaxAssessment { lines, rates_version: table.evidence().to_owned() })
    }
}

#[async_trait::async_trait]
impl Tax for TaxService {
    async fn assess(&self, request: AssessTax) -> Result<TaxAssessment, TaxRefusal> {
        self.assess_now(&request)
    }
}
