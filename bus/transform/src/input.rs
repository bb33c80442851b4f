use crate::{
    error::{InvalidInput, NotDelivered},
    path::{Brackets, Path},
    raw::check,
    template::Template,
};
use std::collections::BTreeMap;

/// What a target is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input(Kind);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Event,
    Constant(String),
    Path(Path),
    Template(Template),
}

/// What a template may know besides the event.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The ARN of the rule that matched.
    pub rule_arn: &'a str,
    /// The name of that rule.
    pub rule_name: &'a str,
    /// When the bus took the event, as RFC 3339 writes it.
    pub ingestion_time: &'a str,
}

/// Variables and template of an input transformer, as a request brings them.
pub type Transformer<'a> = (BTreeMap<String, String>, &'a str);

impl Input {
    /// From the members of a target in a PutTargets request, of which there may be one, or none: the event is given then.
    ///
    /// # Errors
    /// If EventBridge would refuse it.
    pub fn of_target(
        target: &str,
        input: Option<&str>,
        input_path: Option<&str>,
        input_transformer: Option<Transformer>,
    ) -> Result<Self, InvalidInput> {
        match (input, input_path, input_transformer) {
            (None, None, None) => Ok(Self::default()),
            (Some(input), None, None) => Self::constant(target, input),
            (None, Some(path), None) => Self::path(target, path),
            (None, None, Some((paths, template))) => Self::transformer(target, paths, template),
            _ => Err(InvalidInput::MoreThanOne { target: target.to_owned() }),
        }
    }

    /// The same JSON text for every event.
    ///
    /// # Errors
    /// If it is not JSON, or longer than 8,192 characters.
    pub fn constant(target: &str, input: &str) -> Result<Self, InvalidInput> {
        size(target, "Input", input.chars().count(), 0, 8_192, "characters")?;
        check(input)
            .map_err(|e| InvalidInput::NotJson { target: target.to_owned(), reason: e.to_string() })?;
        Ok(Self(Kind::Constant(input.to_owned())))
    }

    /// A part of the event.
    ///
    /// # Errors
    /// If the path cannot be read, or is longer than 256 characters.
    pub fn path(target: &str, path: &str) -> Result<Self, InvalidInput> {
        Ok(Self(Kind::Path(read_path(target, path, Brackets::Keys)?)))
    }

    /// A text with parts of the event: variables (name and path), and the template that names them.
    ///
    /// # Errors
    /// If a name or a path is not valid, or the template names a variable that is not there.
    pub fn transformer(
        target: &str,
        paths: impl IntoIterator<Item = (String, String)>,
        template: &str,
    ) -> Result<Self, InvalidInput> {
        let mut variables = BTreeMap::new();
        for (name, path) in paths {
            let valid = (1..=256).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if !valid {
                return Err(InvalidInput::Variable { target: target.to_owned(), name });
            }
            variables.insert(name, read_path(target, &path, Brackets::PositionsOnly)?);
        }
        size(target, "InputPathsMap", variables.len(), 0, 100, "variables")?;
        size(target, "InputTemplate", template.chars().count(), 1, 8_192, "characters")?;
        let template =
            Template::parse(template, |name| variables.get(name).cloned()).map_err(|placeholder| {
                InvalidInput::UnknownPlaceholder { target: target.to_owned(), placeholder }
            })?;
        Ok(Self(Kind::Template(template)))
    }

    /// What the target is given for an event, which is JSON text.
    ///
    /// # Errors
    /// If the target is not to be called.
    pub fn body(&self, event: &str, invocation: &Invocation) -> Result<String, NotDelivered> {
        match &self.0 {
            Kind::Event => Ok(event.to_owned()),
            Kind::Constant(text) => Ok(text.clone()),
            Kind::Path(path) => {
                Ok(path.find(event).map_or_else(|| "null".to_owned(), |found| found.into_owned()))
            }
            Kind::Template(template) => template.fill(event, invocation),
        }
    }
}

fn read_path(target: &str, path: &str, brackets: Brackets) -> Result<Path, InvalidInput> {
    size(target, "A path", path.chars().count(), 0, 256, "characters")?;
    Path::parse(path, brackets).map_err(|reason| InvalidInput::Path {
        target: target.to_owned(),
        path: path.to_owned(),
        reason,
    })
}

fn size(
    target: &str,
    what: &'static str,
    size: usize,
    least: usize,
    most: usize,
    unit: &'static str,
) -> Result<(), InvalidInput> {
    if (least..=most).contains(&size) {
        return Ok(());
    }
    Err(InvalidInput::Size { target: target.to_owned(), what, least, most, unit })
}
