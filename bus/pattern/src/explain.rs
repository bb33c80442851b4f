//! Why an event matches a pattern, or why not, for people.

use crate::{
    comparison::{Comparison, Value},
    error::EventError,
    flatten::Flat,
    index::{Builder, Matcher},
    json::{Reader, Token},
    number::{Finite, Number},
    pattern::{Branch, Field, Pattern},
    text::show,
    trie::{ROOT, Trie},
};
use std::fmt;

/// Why an event matches a pattern, or why not. `Display` writes it for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether the event matches: one of the alternatives does.
    pub matches: bool,
    /// The ways to match: one, or as many as `$or` makes.
    pub alternatives: Vec<Alternative>,
}

/// One way to match: all of its fields have to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Whether the event matches this way.
    pub matches: bool,
    /// In the order of their paths.
    pub fields: Vec<ExplainedField>,
}

impl Alternative {
    /// Each field holds on its own, but not together: values come from different elements of an array.
    pub fn is_inconsistent(&self) -> bool {
        !self.matches && self.fields.iter().all(|field| field.holds)
    }
}

/// A field of a pattern, held against an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedField {
    /// Keys joined with dots.
    pub path: String,
    /// Whether it holds when looked at alone.
    pub holds: bool,
    /// What is asked for: one of these.
    pub wanted: Vec<String>,
    /// The values that are there, at most [`MOST_VALUES`].
    pub values: Vec<ExplainedValue>,
    /// How many more values are there.
    pub omitted: usize,
}

/// A value of an event, held against a field of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedValue {
    /// Where it is: `detail.lines[2].sku`.
    pub place: String,
    /// As JSON.
    pub value: String,
    /// Whether it is what is asked for.
    pub holds: bool,
    /// What it is, or for each thing that is asked for why it is not that.
    pub reasons: Vec<String>,
}

/// How many values of a field are explained.
pub const MOST_VALUES: usize = 20;

impl Pattern {
    /// Says why an event matches this pattern, or why not.
    ///
    /// # Errors
    /// If the event is not a JSON object; here all of it is checked.
    pub fn explain(&self, event: impl AsRef<[u8]>) -> Result<Explanation, EventError> {
        let event = event.as_ref();
        let mut reader = Reader::new(event);
        if reader.next()? != Token::ObjectStart {
            return Err(EventError::NotAnObject);
        }
        while reader.next()? != Token::End {}
        let mut matcher = Matcher::new();
        let alternative = |branch| explain_branch(branch, event, &mut matcher);
        let alternatives = self.branches.iter().map(alternative).collect::<Result<Vec<_>, _>>()?;
        Ok(Explanation { matches: alternatives.iter().any(|way| way.matches), alternatives })
    }
}

fn explain_branch(branch: &Branch, event: &[u8], matcher: &mut Matcher) -> Result<Alternative, EventError> {
    let mut builder = Builder::default();
    builder.add(&Pattern { branches: vec![branch.clone()], warnings: vec![] });
    let index = builder.build();
    let mut matches = false;
    index.for_each_match(event, matcher, &mut |_| matches = true)?;
    let field = |field| explain_field(field, event, matcher.flat(), index.trie());
    Ok(Alternative { matches, fields: branch.fields.iter().map(field).collect() })
}

fn explain_field(field: &Field, event: &[u8], flat: &Flat, trie: &Trie) -> ExplainedField {
    let mut found: Vec<(Value, u32)> = match trie.descend(ROOT, &field.path) {
        Some(node) => flat.values(event, node).collect(),
        None => vec![],
    };
    found.reverse();
    let satisfies = |value: Value| field.comparisons.iter().any(|comparison| comparison.holds(value));
    let absent = found.is_empty() && field.comparisons.contains(&Comparison::Absent);
    let value = |(value, element): &(Value, u32)| {
        let holding = field.comparisons.iter().find(|comparison| comparison.holds(*value));
        let reasons = match holding {
            Some(comparison) => vec![format!("is {comparison}")],
            None => field.comparisons.iter().map(|comparison| why_not(comparison, *value)).collect(),
        };
        ExplainedValue {
            place: place(&field.path, *element, flat, trie),
            value: value.to_string(),
            holds: holding.is_some(),
            reasons,
        }
    };
    ExplainedField {
        path: show(&field.path).into_owned(),
        holds: absent || found.iter().any(|(value, _)| satisfies(*value)),
        wanted: field.comparisons.iter().map(ToString::to_string).collect(),
        values: found.iter().take(MOST_VALUES).map(value).collect(),
        omitted: found.len().saturating_sub(MOST_VALUES),
    }
}

fn why_not(comparison: &Comparison, value: Value) -> String {
    use Comparison::{Absent, AnythingBut, False, Null, Number as Equal, Numeric, True};
    match (comparison, value) {
        (Absent, _) => "is there".into(),
        (AnythingBut(refused), value) => match refused.iter().find(|refused| refused.holds(value)) {
            Some(refused) => format!("is {refused}"),
            None => format!("is not {comparison}"),
        },
        (Numeric(_) | Equal(_), Value::String(_)) => format!("is a string, not {comparison}"),
        (Numeric(_) | Equal(Number::Comparable(_)), Value::Number(spelling))
            if Finite::parse(spelling).is_none() =>
        {
            format!("has more digits than a double, so it is not {comparison}")
        }
        (True | False | Null | Numeric(_) | Equal(_), _) | (_, Value::String(_)) => {
            format!("is not {comparison}")
        }
        (_, Value::Number(_)) => format!("is a number, not {comparison}"),
        (_, Value::True | Value::False | Value::Null) => format!("is no string, so not {comparison}"),
    }
}

/// The path with the positions in arrays.
fn place(path: &[u8], element: u32, flat: &Flat, trie: &Trie) -> String {
    let parent = |at: &u32| Some(flat.elements[*at as usize].parent).filter(|parent| *parent != 0);
    let mut around: Vec<u32> = std::iter::successors(Some(element).filter(|at| *at != 0), parent).collect();
    around.reverse();
    let (mut text, mut node) = (String::new(), Some(ROOT));
    for (at, key) in path.split(|byte| *byte == b'.').enumerate() {
        if at > 0 {
            text.push('.');
        }
        text.push_str(&show(key));
        node = node.and_then(|node| trie.descend(node, key));
        for element in around.iter().map(|at| flat.elements[*at as usize]) {
            if node == Some(flat.arrays[element.array as usize].node) {
                text.push_str(&format!("[{}]", element.position));
            }
        }
    }
    text
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", if self.matches { "match" } else { "no match" })?;
        for (at, alternative) in self.alternatives.iter().enumerate() {
            if self.alternatives.len() > 1 {
                let verdict = if alternative.matches { "match" } else { "no match" };
                writeln!(f, "alternative {} of {}: {verdict}", at + 1, self.alternatives.len())?;
            }
            alternative.fields.iter().try_for_each(|field| field.fmt(f))?;
            if alternative.is_inconsistent() {
                writeln!(
                    f,
                    "  each holds, but only in different elements of an array, which do not count together"
                )?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ExplainedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds { "holds" } else { "fails" };
        writeln!(f, "  {verdict} {}: {}", self.path, self.wanted.join(", or "))?;
        if self.values.is_empty() {
            writeln!(f, "    no value is there")?;
        }
        for ExplainedValue { place, value, reasons, .. } in &self.values {
            writeln!(f, "    {place} = {value} {}", reasons.join(", and "))?;
        }
        if self.omitted > 0 {
            writeln!(f, "    and {} more", self.omitted)?;
        }
        Ok(())
    }
}
