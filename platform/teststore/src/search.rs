//! Finding a text in what an engine keeps.

use std::{fmt::Write, fs, path::Path};

/// Whether any file below a directory holds the text, in whichever case.
pub(crate) fn below(directory: &Path, text: &str) -> bool {
    let wanted = text.to_lowercase();
    fs::read_dir(directory).expect("the directory can be read").any(|entry| {
        let path = entry.expect("the directory can be read").path();
        if path.is_dir() {
            below(&path, text)
        } else {
            let bytes = fs::read(&path).expect("the file can be read");
            String::from_utf8_lossy(&bytes).to_lowercase().contains(&wanted)
        }
    })
}

/// Whether a dump holds the text, in whichever case; columns of bytes are in hexadecimal there.
pub(crate) fn in_dump(dump: &str, text: &str) -> bool {
    let hexadecimal = |text: &str| {
        text.bytes().fold(String::new(), |mut digits, byte| {
            // Writing to a text does not fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    };
    let (dump, wanted) = (dump.to_lowercase(), text.to_lowercase());
    [hexadecimal(text), hexadecimal(&wanted), wanted].iter().any(|form| dump.contains(form))
}
