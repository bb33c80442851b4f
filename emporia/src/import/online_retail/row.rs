use emporia_contracts::values::Quantity;
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
};

/// One row of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Number of the invoice; `C…` cancels, `A…` adjusts.
    pub invoice: Arc<str>,
    /// Code of the article or charge.
    pub code: Arc<str>,
    /// Its description; sometimes a note of the warehouse.
    pub description: Arc<str>,
    /// Units; negative for what came back or went away.
    pub quantity: i64,
    /// When; the file names no zone, UTC is assumed.
    pub at: Timestamp,
    /// Pounds per unit; four rows have three decimals.
    pub price: Decimal,
    /// Number of the customer.
    pub customer: Option<u32>,
    /// Name of the country.
    pub country: Arc<str>,
}

/// Why a row cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The file.
    #[error("{file}: {source}")]
    File {
        /// Which.
        file: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The first line is not that of the data set.
    #[error("{file}: this is not the Online Retail data set: its first line should be {expected}")]
    Header {
        /// Which file.
        file: String,
        /// The right first line.
        expected: &'static str,
    },
    /// A row.
    #[error("{file}, line {line}, column {column}: {what}")]
    Row {
        /// Which file.
        file: String,
        /// Line of the file, from 1.
        line: u64,
        /// Name of the column.
        column: &'static str,
        /// What is wrong.
        what: String,
    },
}

const COLUMNS: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];
const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

/// One copy of every text, however often it comes.
#[derive(Default)]
struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.0.insert(text.clone());
        text
    }
}

/// Bytes that a file may have when it is unpacked: almost three times the data set. All rows are in memory at once, and a small
/// gzipped file can unpack to any size.
const LARGEST: u64 = 128 << 20;

/// Refuses to be read on when the file is too large.
struct Bounded<R> {
    file: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        let large =
            || io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {LARGEST} bytes"));
        self.left = left.ok_or_else(large)?;
        Ok(read)
    }
}

/// Reads the file, plain or gzipped.
///
/// # Errors
/// [`RowError`] says which line and column, and why.
pub fn read(path: &Path) -> Result<Vec<Row>, RowError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => rows(&name, BufReader::new(file)),
        Err(source) => Err(RowError::File { file: name, source }),
    }
}

/// As [`read`], from anywhere; errors call it by this name.
///
/// # Errors
/// As [`read`].
pub fn rows(name: &str, mut file: impl BufRead) -> Result<Vec<Row>, RowError> {
    let failed = |source| RowError::File { file: name.to_owned(), source };
    let gzipped = file.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read + '_> =
        if gzipped { Box::new(flate2::bufread::MultiGzDecoder::new(file)) } else { Box::new(file) };
    let bounded = Bounded { file: plain, left: LARGEST };
    let mut reader = csv::ReaderBuilder::new().has_headers(true).flexible(false).from_reader(bounded);
    let header = reader.byte_headers().map_err(|e| failed(e.into()))?;
    if !header.iter().eq(COLUMNS.iter().map(|c| c.as_bytes())) {
        return Err(RowError::Header { file: name.to_owned(), expected: HEADER });
    }
    let (mut rows, mut texts, mut record) = (vec![], Texts::default(), csv::ByteRecord::new());
    while reader.read_byte_record(&mut record).map_err(|e| failed(e.into()))? {
        let line = record.position().map_or(0, csv::Position::line);
        let row = parse(&record, &mut texts);
        rows.push(row.map_err(|(column, what)| RowError::Row {
            file: name.to_owned(),
            line,
            column: COLUMNS[column],
            what,
        })?);
    }
    Ok(rows)
}

/// A row, or the number of the wrong column and what is wrong.
fn parse(record: &csv::ByteRecord, texts: &mut Texts) -> Result<Row, (usize, String)> {
    // Descriptions are in an old encoding here and there: what is no UTF-8 becomes a replacement character.
    let field = |at: usize| String::from_utf8_lossy(record.get(at).unwrap_or_default()).trim().to_owned();
    let wrong = |column: usize, what: String| (column, what);
    let quantity: i64 = field(3).parse().map_err(|e| wrong(3, format!("\"{}\": {e}", field(3))))?;
    if quantity.unsigned_abs() > Quantity::MAX.into() {
        return Err(wrong(3, format!("{quantity}: a row has at most {} units", Quantity::MAX)));
    }
    let utc = format!("{}Z", field(4).replace(' ', "T"));
    let at: Timestamp = utc.parse().map_err(|e| wrong(4, format!("\"{}\": {e}", field(4))))?;
    let price = Decimal::from_str_exact(&field(5)).map_err(|e| wrong(5, format!("\"{}\": {e}", field(5))))?;
    let customer = match field(6).trim_end_matches(".0") {
        "" => None,
        number => Some(number.parse().map_err(|e| wrong(6, format!("\"{number}\": {e}")))?),
    };
    let invoice = field(0);
    if invoice.is_empty() || field(1).is_empty() {
        return Err(wrong(usize::from(!invoice.is_empty()), "it is empty".into()));
    }
    Ok(Row {
        invoice: texts.get(&invoice),
        code: texts.get(&field(1)),
        description: texts.get(&field(2)),
        quantity,
        at,
        price: price.normalize(),
        customer,
        country: texts.get(&field(7)),
    })
}
