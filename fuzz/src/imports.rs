//! Files of other systems.

use crate::{
    input::parts,
    shop::{block_on, shop},
};
use emporia::import::online_retail::{Class, ImportError, rows, run as replay_file};
use std::io::Write;

/// An *Online Retail* file, plain or gzipped: rows, or a refusal that names the place.
pub fn run(bytes: &[u8]) {
    match rows("rows.csv", bytes) {
        Ok(rows) => {
            for row in &rows {
                let _ = Class::of(row).to_string();
            }
        }
        Err(error) => assert!(error.to_string().starts_with("rows.csv"), "{error}"),
    }
}

/// The same, replayed into a shop: of two files the second one after the first.
pub fn replay(bytes: &[u8]) {
    for part in parts::<2>(bytes) {
        let Ok(rows) = rows("rows.csv", part) else { continue };
        if rows.is_empty() || rows.len() > 40 {
            continue;
        }
        let mut file = tempfile::NamedTempFile::new().expect("a file can be made");
        file.write_all(part).expect("there is room");
        let replayed = block_on(replay_file(&shop().emporia.platform, file.path(), &|_, _| {}));
        match replayed {
            Ok(report) => assert_eq!(report.sum(None, None).rows, rows.len() as u64, "{report}"),
            Err(error @ ImportError::Refused { .. }) => assert!(!error.to_string().is_empty()),
            Err(ImportError::Row(error)) => panic!("it was read before: {error}"),
        }
    }
}
