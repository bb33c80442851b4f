use crate::import::online_retail::Class;
use rust_decimal::Decimal;
use std::{collections::BTreeMap, fmt};

/// Rows, units and value of one cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Rows of the file.
    pub rows: u64,
    /// Σ units.
    pub units: i64,
    /// Σ quantity × price, exact, in pounds.
    pub exact: Decimal,
    /// Σ as recorded: every line rounded once to pence.
    pub recorded: Decimal,
}

impl Cell {
    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.units += other.units;
        self.exact += other.exact;
        self.recorded += other.recorded;
    }
}

/// What became of the file, by class and month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    cells: BTreeMap<(Class, String), Cell>,
    /// Orders made.
    pub orders: u64,
    /// Orders that were there already.
    pub orders_known: u64,
    /// Returns recorded against an order.
    pub referenced_returns: u64,
    /// Returns without one.
    pub blind_returns: u64,
}

impl Report {
    pub(crate) fn count(&mut self, class: Class, month: &str, cell: &Cell) {
        self.cells.entry((class, month.to_owned())).or_default().add(cell);
    }

    /// The sum of a class, of a month, or of all.
    pub fn sum(&self, class: Option<Class>, month: Option<&str>) -> Cell {
        let fits = |(c, m): &(Class, String)| {
            class.is_none_or(|class| class == *c) && month.is_none_or(|month| month == m)
        };
        self.cells.iter().filter(|(key, _)| fits(key)).fold(Cell::default(), |mut sum, (_, cell)| {
            sum.add(cell);
            sum
        })
    }

    /// Every month with rows.
    pub fn months(&self) -> Vec<String> {
        let mut months: Vec<String> = self.cells.keys().map(|(_, month)| month.clone()).collect();
        months.sort_unstable();
        months.dedup();
        months
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<10} {:<22} {:>9} {:>12} {:>17}", "month", "class", "rows", "units", "value in GBP")?;
        let line = |f: &mut fmt::Formatter<'_>, month: &str, name: &str, cell: &Cell| {
            writeln!(f, "{month:<10} {name:<22} {:>9} {:>12} {:>17.2}", cell.rows, cell.units, cell.recorded)
        };
        for month in self.months() {
            for class in Class::ALL {
                let cell = self.sum(Some(class), Some(&month));
                if cell.rows > 0 {
                    line(f, &month, &class.to_string(), &cell)?;
                }
            }
            let all = self.sum(None, Some(&month));
            line(f, &month, "all", &all)?;
        }
        writeln!(f)?;
        for class in Class::ALL {
            line(f, "all", &class.to_string(), &self.sum(Some(class), None))?;
        }
        let all = self.sum(None, None);
        let difference = all.exact - all.recorded;
        writeln!(
            f,
            "{:<10} {:<22} {:>9} {:>12} {:>17}",
            "all",
            "rounding difference",
            "",
            "",
            difference.normalize()
        )?;
        writeln!(
            f,
            "{:<10} {:<22} {:>9} {:>12} {:>17}",
            "all",
            "sum of the file",
            all.rows,
            all.units,
            all.exact.normalize()
        )?;
        writeln!(
            f,
            "\n{} orders made, {} known before; {} returns of known orders, {} blind ones",
            self.orders, self.orders_known, self.referenced_returns, self.blind_returns
        )
    }
}
