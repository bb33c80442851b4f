//! The *Online Retail* data set: a British giftware shop's year, row by row.

mod catalogue;
mod class;
mod report;
mod returns;
mod row;
mod run;

pub use class::Class;
pub use report::Report;
pub use row::{Row, RowError, read, rows};
pub use run::{ImportError, run};
