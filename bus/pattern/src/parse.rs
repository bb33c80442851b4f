//! From text to pattern. What is refused, and with which words, follows event-ruler, the engine of EventBridge.

use crate::{
    address::{Cidr, parse_address},
    comparison::Comparison,
    error::PatternError,
    json::{Reader, Token},
    limits::Limits,
    number::{Finite, Number, Range},
    pattern::{Branch, Field, Pattern, Warning},
    text::show,
    wildcard::Wildcard,
};
use std::{cmp::Ordering, sync::Arc};

/// The deepest nesting that any limit may allow: reading objects recurses.
const DEEPEST: usize = 512;

type Result<T> = std::result::Result<T, PatternError>;

pub(crate) fn pattern(text: &[u8], limits: &Limits) -> Result<Pattern> {
    let shown = std::str::from_utf8(text).map_err(|_| PatternError::new("the pattern is not UTF-8"))?;
    if shown.chars().count() > limits.length {
        let reason = format!("the pattern is longer than {} characters", limits.length);
        return Err(PatternError::new(reason));
    }
    let mut parser = Parser { reader: Reader::new(text), limits, warnings: vec![], path: vec![], depth: 0 };
    if parser.next()? != Token::ObjectStart {
        return refuse("Filter is not an object");
    }
    let mut branches = vec![Branch::default()];
    parser.object(&mut branches, Within::Object)?;
    parser.next()?;
    Ok(Pattern { branches, warnings: parser.warnings })
}

#[derive(Clone, Copy, PartialEq)]
enum Within {
    Object,
    Or,
}

struct Parser<'a> {
    reader: Reader<'a>,
    limits: &'a Limits,
    warnings: Vec<Warning>,
    /// Keys of the open objects.
    path: Vec<Vec<u8>>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Result<Token<'a>> {
        Ok(self.reader.next()?)
    }

    /// Reads an object whose start is read already, and puts its fields into each branch.
    fn object(&mut self, branches: &mut Vec<Branch>, within: Within) -> Result<()> {
        self.depth += 1;
        if self.depth > self.limits.depth.min(DEEPEST) {
            return refuse(format!("objects nest deeper than {}", self.limits.depth.min(DEEPEST)));
        }
        let mut empty = true;
        while let Token::Key(key) = self.next()? {
            empty = false;
            if *key == *b"$or" {
                self.or(branches)?;
                continue;
            }
            if within == Within::Or && RESERVED.iter().any(|name| *name.as_bytes() == *key) {
                return refuse(format!(
                    "{} is Ruler reserved fieldName which cannot be used inside $or.",
                    show(&key)
                ));
            }
            let value = self.next()?;
            self.path.push(key.into_owned());
            match value {
                Token::ObjectStart => self.object(branches, within)?,
                Token::ArrayStart => {
                    let comparisons = self.comparisons()?;
                    self.put(branches, comparisons);
                }
                _ => {
                    let key = self.path.last().map(|key| show(key).into_owned()).unwrap_or_default();
                    return refuse(format!("\"{key}\" must be an object or an array"));
                }
            }
            self.path.pop();
        }
        self.depth -= 1;
        if empty { refuse("Empty objects are not allowed") } else { Ok(()) }
    }

    fn or(&mut self, branches: &mut Vec<Branch>) -> Result<()> {
        if self.next()? != Token::ArrayStart {
            return refuse("It must be an Array followed with $or.");
        }
        let before = std::mem::take(branches);
        let mut alternatives = 0;
        loop {
            match self.next()? {
                Token::ArrayEnd => break,
                Token::ObjectStart => {
                    alternatives += 1;
                    let mut with_this = before.clone();
                    self.object(&mut with_this, Within::Or)?;
                    branches.append(&mut with_this);
                    if branches.len() > self.limits.alternatives {
                        return refuse(format!(
                            "$or makes more than {} alternatives",
                            self.limits.alternatives
                        ));
                    }
                }
                _ => return refuse("Only JSON object is allowed in array of $or relationship."),
            }
        }
        if alternatives < 2 {
            return refuse("There must have at least 2 Objects in $or relationship.");
        }
        Ok(())
    }

    fn put(&mut self, branches: &mut [Branch], comparisons: Vec<Comparison>) {
        let path: Arc<[u8]> = self.path.join(&b'.').into();
        let comparisons: Arc<[Comparison]> = comparisons.into();
        let mut overwritten = false;
        for branch in branches {
            let field = Field { path: path.clone(), comparisons: comparisons.clone() };
            match branch.fields.binary_search_by(|field| path_order(&field.path, &path)) {
                Ok(at) => {
                    overwritten = true;
                    branch.fields[at] = field;
                }
                Err(at) => branch.fields.insert(at, field),
            }
        }
        let warning = Warning::Overwritten { path: show(&path).into_owned() };
        if overwritten && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    fn comparisons(&mut self) -> Result<Vec<Comparison>> {
        let mut comparisons = vec![];
        loop {
            comparisons.push(match self.next()? {
                Token::ArrayEnd => break,
                Token::ObjectStart => self.comparison()?,
                Token::String(text) => match parse_address(&text) {
                    Some(address) => Comparison::Address(address),
                    None => Comparison::String(text.into()),
                },
                Token::Number(spelling) => Comparison::Number(Number::parse(spelling)),
                Token::True => Comparison::True,
                Token::False => Comparison::False,
                Token::Null => Comparison::Null,
                _ => return refuse("Match value must be String, number, true, false, or null"),
            });
        }
        if comparisons.is_empty() { refuse("Empty arrays are not allowed") } else { Ok(comparisons) }
    }

    /// Reads `{"operator": argument}`, whose start is read already.
    fn comparison(&mut self) -> Result<Comparison> {
        let Token::Key(operator) = self.next()? else {
            return refuse("Match expression name not found");
        };
        let argument = self.next()?;
        let comparison = match (&*operator, argument) {
            (b"exactly", Token::String(text)) => Comparison::String(text.into()),
            (b"exactly", _) => return refuse("exact match pattern must be a string"),
            (b"prefix", Token::String(text)) => Comparison::Prefix(text.into()),
            (b"prefix", Token::ObjectStart) => {
                Comparison::PrefixIgnoreCase(self.ignoring_case("prefix")?.into())
            }
            (b"prefix", _) => return refuse("prefix match pattern must be a string"),
            (b"suffix", Token::String(text)) => Comparison::Suffix(text.into()),
            (b"suffix", Token::ObjectStart) => {
                Comparison::SuffixIgnoreCase(self.ignoring_case("suffix")?.into())
            }
            (b"suffix", _) => return refuse("suffix match pattern must be a string"),
            (b"equals-ignore-case", Token::String(text)) => Comparison::EqualsIgnoreCase(text.into()),
            (b"equals-ignore-case", _) => return refuse("equals-ignore-case match pattern must be a string"),
            (b"wildcard", Token::String(text)) => Comparison::Wildcard(self.wildcard(&text)?),
            (b"wildcard", _) => return refuse("wildcard match pattern must be a string"),
            (b"cidr", Token::String(text)) => {
                Comparison::Cidr(Cidr::parse(&text).map_err(PatternError::new)?)
            }
            // Sic: EventBridge says "prefix" here.
            (b"cidr", _) => return refuse("prefix match pattern must be a string"),
            (b"exists", Token::True) => Comparison::Exists,
            (b"exists", Token::False) => Comparison::Absent,
            (b"exists", _) => return refuse("exists match pattern must be either true or false."),
            (b"numeric", Token::ArrayStart) => self.numeric()?,
            (b"numeric", _) => return refuse("Value of numeric must be an array."),
            (b"anything-but", argument) => self.anything_but(argument)?,
            _ => return refuse(format!("Unrecognized match type {}", show(&operator))),
        };
        match (&*operator, self.next()?) {
            (_, Token::ObjectEnd) => Ok(comparison),
            (b"numeric" | b"anything-but", _) => refuse("Too many elements in numeric expression"),
            _ => refuse("Only one key allowed in match expression"),
        }
    }

    fn ignoring_case(&mut self, operator: &str) -> Result<Vec<u8>> {
        match self.next()? {
            Token::Key(key) if *key == *b"equals-ignore-case" => {}
            Token::Key(key) => {
                return refuse(format!("Unsupported {operator} pattern: {}", show(&key)));
            }
            _ => return refuse(format!("{operator} expression name not found")),
        }
        let Token::String(text) = self.next()? else {
            return refuse("equals-ignore-case match pattern must be a string");
        };
        self.only_key()?;
        Ok(text.into_owned())
    }

    fn wildcard(&self, text: &[u8]) -> Result<Wildcard> {
        let wildcard = Wildcard::parse(text).map_err(PatternError::new)?;
        if wildcard.asterisks() > self.limits.asterisks {
            return refuse(
                "Rule is too complex - try using fewer wildcard characters or fewer repeating character \
                 sequences after a wildcard character",
            );
        }
        Ok(wildcard)
    }

    /// Reads the rest of `["op", n]` or `["op", n, "op", n]`.
    fn numeric(&mut self) -> Result<Comparison> {
        let operator = match self.next()? {
            Token::String(operator) => operator,
            token => return refuse(format!("Invalid member in numeric match: {}", written(&token))),
        };
        if !matches!(&*operator, b"=" | b">" | b">=" | b"<" | b"<=") {
            return refuse(format!("Unrecognized numeric range operator: {}", show(&operator)));
        }
        let first = self.bound(&operator)?;
        let range = match &*operator {
            b"=" => return self.end_of_numeric(Comparison::Number(Number::Comparable(first))),
            b"<" | b"<=" => {
                let range = Range { high: first, high_open: *operator == *b"<", ..Range::ALL };
                return self.end_of_numeric(Comparison::Numeric(range));
            }
            _ => Range { low: first, low_open: *operator == *b">", ..Range::ALL },
        };
        let second = match self.next()? {
            Token::ArrayEnd => return Ok(Comparison::Numeric(range)),
            Token::String(operator) => operator,
            token => return refuse(format!("Bad value in numeric range: {}", written(&token))),
        };
        if !matches!(&*second, b"<" | b"<=") {
            return refuse(format!("Bad numeric range operator: {}", show(&second)));
        }
        let high = self.bound(&second)?;
        if self.next()? != Token::ArrayEnd {
            return refuse("Too many terms in numeric range expression");
        }
        if range.low >= high {
            return refuse("Bottom must be less than top");
        }
        Ok(Comparison::Numeric(Range { high, high_open: *second == *b"<", ..range }))
    }

    fn bound(&mut self, operator: &[u8]) -> Result<Finite> {
        match self.next()? {
            Token::Number(spelling) => Finite::parse(spelling)
                .ok_or_else(|| PatternError::new(format!("Cannot compare number: {}", show(spelling)))),
            _ if operator == b"=" => refuse("Value of equals must be numeric"),
            _ => refuse(format!("Value of {} must be numeric", show(operator))),
        }
    }

    fn end_of_numeric(&mut self, comparison: Comparison) -> Result<Comparison> {
        match self.next()? {
            Token::ArrayEnd => Ok(comparison),
            _ => refuse("Too many elements in numeric expression"),
        }
    }

    fn anything_but(&mut self, argument: Token<'a>) -> Result<Comparison> {
        let refused = match argument {
            Token::ObjectStart => self.anything_but_operator()?,
            Token::String(text) => vec![Comparison::String(text.into())],
            Token::Number(spelling) => vec![Comparison::Number(Number::parse(spelling))],
            Token::ArrayStart => self.anything_but_list()?,
            Token::True | Token::False | Token::Null => {
                return refuse("Value of anything-but must be an array or single string/number value.");
            }
            _ => return refuse("Inside anything but list, start|null|boolean is not supported."),
        };
        Ok(Comparison::AnythingBut(refused.into()))
    }

    fn anything_but_list(&mut self) -> Result<Vec<Comparison>> {
        let mut refused = vec![];
        loop {
            refused.push(match self.next()? {
                Token::ArrayEnd => break,
                Token::String(text) => Comparison::String(text.into()),
                Token::Number(spelling) => Comparison::Number(Number::parse(spelling)),
                _ => return refuse("Inside anything but list, start|null|boolean is not supported."),
            });
        }
        let numbers = refused.iter().filter(|refused| matches!(refused, Comparison::Number(_))).count();
        if refused.is_empty() || (numbers != 0 && numbers != refused.len()) {
            return refuse(
                "Inside anything but list, either all values are number or string, mixed type is not supported",
            );
        }
        Ok(refused)
    }

    /// Reads `{"prefix": …}` and the like, whose start is read already.
    fn anything_but_operator(&mut self) -> Result<Vec<Comparison>> {
        let Token::Key(operator) = self.next()? else {
            return refuse("Anything-But expression name not found");
        };
        if !matches!(&*operator, b"prefix" | b"suffix" | b"equals-ignore-case" | b"wildcard") {
            return refuse(format!("Unsupported anything-but pattern: {}", show(&operator)));
        }
        let texts = match self.next()? {
            Token::String(text) => vec![text],
            Token::ArrayStart => self.strings(&operator)?,
            _ => return refuse(not_a_string(&operator)),
        };
        self.only_key()?;
        let comparison = |text: &[u8]| match &*operator {
            b"equals-ignore-case" => Ok(Comparison::EqualsIgnoreCase(text.into())),
            b"wildcard" => Ok(Comparison::Wildcard(self.wildcard(text)?)),
            _ if text.is_empty() => refuse("Null prefix/suffix not allowed"),
            b"prefix" => Ok(Comparison::Prefix(text.into())),
            _ => Ok(Comparison::Suffix(text.into())),
        };
        texts.iter().map(|text| comparison(text)).collect()
    }

    fn strings(&mut self, operator: &[u8]) -> Result<Vec<std::borrow::Cow<'a, [u8]>>> {
        let mut texts = vec![];
        loop {
            match self.next()? {
                Token::ArrayEnd if texts.is_empty() => return refuse("Empty arrays are not allowed"),
                Token::ArrayEnd => return Ok(texts),
                Token::String(text) => texts.push(text),
                _ => return refuse(not_a_string(operator)),
            }
        }
    }

    fn only_key(&mut self) -> Result<()> {
        match self.next()? {
            Token::ObjectEnd => Ok(()),
            _ => refuse("Only one key allowed in match expression"),
        }
    }
}

fn refuse<T>(reason: impl Into<String>) -> Result<T> {
    Err(PatternError::new(reason))
}

fn not_a_string(operator: &[u8]) -> String {
    match operator {
        b"prefix" | b"suffix" => "prefix/suffix match pattern must be a string".into(),
        other => {
            format!("Inside anything-but/{} list, number|start|null|boolean is not supported.", show(other))
        }
    }
}

fn written(token: &Token) -> String {
    match token {
        Token::Number(text) => show(text).into_owned(),
        Token::String(text) | Token::Key(text) => show(text).into_owned(),
        Token::True => "true".into(),
        Token::False => "false".into(),
        Token::Null => "null".into(),
        Token::ObjectStart => "{".into(),
        Token::ArrayStart => "[".into(),
        Token::ObjectEnd => "}".into(),
        Token::ArrayEnd => "]".into(),
        Token::End => String::new(),
    }
}

/// As UTF-16 sorts, since event-ruler sorts Java strings: it decides which elements of arrays are fixed when absence is
/// looked at. Surrogates (in UTF-8 four bytes, starting with 0xf0 or more) sort below U+E000 and what follows it.
pub(crate) fn path_order(one: &[u8], other: &[u8]) -> Ordering {
    let unequal = one.iter().zip(other).find(|(a, b)| a != b);
    match unequal {
        Some((a, b)) if (*a >= 0xee) && (*b >= 0xee) && ((*a >= 0xf0) != (*b >= 0xf0)) => b.cmp(a),
        Some((a, b)) => a.cmp(b),
        None => one.len().cmp(&other.len()),
    }
}

/// Names that event-ruler keeps for operators.
const RESERVED: [&str; 24] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];
