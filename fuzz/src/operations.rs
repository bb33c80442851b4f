//! Operations that are right by the schema, of every shape that the limits let through and a little more.

use crate::{
    http::no_fault,
    shop::{COMPLEXITY, block_on, shop},
};
use arbitrary::Unstructured;
use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition},
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    sync::LazyLock,
};

/// What the gateway is asked to serve; its own words aside.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::read(include_str!("../../supergraph.graphql")));

/// Deeper than the limit.
const DEPTH: usize = 20;
/// Fields of all kinds in one document: more than the limit.
const FIELDS: usize = 1_200;

/// Texts that mean something to the shop, and some that mean trouble.
const TEXTS: [&str; 16] = [
    "MUG",
    "BOOK",
    "eu",
    "de",
    "EUR",
    "warehouse",
    "goods",
    "all",
    "0.19",
    "-1",
    "",
    "\u{0}",
    "ÄÖ€",
    "ada@example.com",
    "2026-11-24T05:37:00Z",
    "https://shop.example.com",
];
const NUMBERS: [i64; 8] = [0, 1, 2, 10, 100, -1, i32::MAX as i64, i32::MIN as i64];

/// Makes an operation of the bytes and asks it. The answer has no fault of ours, and not more in it than was measured.
pub fn run(bytes: &[u8]) {
    let mut writer = Writer { of: Unstructured::new(bytes), left: FIELDS, ..Writer::default() };
    let (document, variables) = writer.document();
    let who = writer.choose(4);
    let shop = shop();
    let headers: Vec<(&str, &str)> = match who {
        0 => vec![("emporia-guest", &shop.guest)],
        1 => vec![("authorization", &shop.customer)],
        2 => vec![("authorization", &shop.operator), ("emporia-channel", "us")],
        _ => vec![],
    };
    let answer = block_on(shop.emporia.respond(&document, variables, &headers));
    let json = answer.json().expect("the answer is JSON");
    no_fault(&json);
    for error in json["errors"].as_array().into_iter().flatten() {
        assert_ne!(error["extensions"]["code"], "GRAPHQL_PARSE_FAILED", "{error}\n{document}");
    }
    let objects = objects(&json["data"]);
    assert!(
        objects <= COMPLEXITY + 1,
        "{objects} objects, by a document that may cost {COMPLEXITY}:\n{document}"
    );
    assert!(answer.subgraph_calls <= 200, "{} calls of subgraphs:\n{document}", answer.subgraph_calls);
}

/// How many objects there are in an answer.
fn objects(answer: &Value) -> u64 {
    match answer {
        Value::Array(items) => items.iter().map(objects).sum(),
        Value::Object(fields) => 1 + fields.values().map(objects).sum::<u64>(),
        _ => 0,
    }
}

/// The types that clients see.
struct Schema {
    types: HashMap<String, TypeKind>,
    /// Objects of an interface or union, with itself.
    kinds: HashMap<String, Vec<String>>,
}

impl Schema {
    fn read(sdl: &str) -> Self {
        let document = parse_schema(sdl).expect("the checked-in supergraph is a schema");
        let mut types = HashMap::new();
        let mut kinds: HashMap<String, Vec<String>> = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let (name, kind) = (definition.node.name.node.to_string(), definition.node.kind);
            match &kind {
                TypeKind::Object(object) => {
                    kinds.entry(name.clone()).or_default().push(name.clone());
                    for interface in &object.implements {
                        kinds.entry(interface.node.to_string()).or_default().push(name.clone());
                    }
                }
                TypeKind::Union(union) => {
                    let members = union.members.iter().map(|member| member.node.to_string());
                    kinds.entry(name.clone()).or_default().extend(members);
                }
                _ => {}
            }
            types.insert(name, kind);
        }
        Self { types, kinds }
    }

    fn fields(&self, ty: &str) -> Vec<&FieldDefinition> {
        let fields = match self.types.get(ty) {
            Some(TypeKind::Object(object)) => &object.fields,
            Some(TypeKind::Interface(interface)) => &interface.fields,
            _ => return vec![],
        };
        fields.iter().map(|field| &field.node).collect()
    }

    fn is_composite(&self, ty: &str) -> bool {
        matches!(self.types.get(ty), Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_)))
    }
}

/// Writes a document as the bytes say; when they are at their end, as short as it may be.
struct Writer<'b> {
    of: Unstructured<'b>,
    left: usize,
    fragments: BTreeMap<String, String>,
    declared: Vec<String>,
    variables: Map<String, Value>,
}

impl Default for Writer<'_> {
    fn default() -> Self {
        Self {
            of: Unstructured::new(&[]),
            left: 0,
            fragments: BTreeMap::new(),
            declared: vec![],
            variables: Map::new(),
        }
    }
}

impl Writer<'_> {
    /// A number below `n`: 0 when there are no bytes left.
    fn choose(&mut self, n: usize) -> usize {
        self.of.arbitrary::<u8>().map_or(0, |byte| usize::from(byte) % n.max(1))
    }

    fn document(&mut self) -> (String, Value) {
        let (kind, root) = match self.choose(8) {
            0 => ("subscription", "Subscription"),
            1 | 2 => ("mutation", "Mutation"),
            _ => ("query", "Query"),
        };
        let set = self.set(root, 0);
        let declared = match self.declared.is_empty() {
            true => String::new(),
            false => format!("({})", self.declared.join(", ")),
        };
        let fragments: String = self.fragments.values().map(|text| format!("\n{text}")).collect();
        (format!("{kind} Q{declared} {set}{fragments}"), Value::Object(std::mem::take(&mut self.variables)))
    }

    fn set(&mut self, ty: &str, depth: usize) -> String {
        let fields = SCHEMA.fields(ty);
        let mut out = "{ ".to_owned();
        let many = 1 + self.choose(if depth == 0 { 4 } else { 7 });
        for place in 0..many {
            if self.left == 0 || depth > DEPTH {
                break;
            }
            self.left -= 1;
            match self.choose(12) {
                0 => out.push_str("__typename "),
                1 if place > 0 => {
                    let on = self.narrower(ty);
                    let (condition, set) = (self.condition(), self.set(&on, depth));
                    let _ = write!(out, "... on {on} {condition}{set} ");
                }
                2 if place > 0 => {
                    let (name, condition) = (self.fragment(ty, depth), self.condition());
                    let _ = write!(out, "...{name} {condition}");
                }
                _ if fields.is_empty() => out.push_str("__typename "),
                _ => {
                    let field = fields[self.choose(fields.len())];
                    let text = self.field(field, depth);
                    out.push_str(&text);
                }
            }
        }
        if out == "{ " {
            out.push_str("__typename ");
        }
        out.push('}');
        out
    }

    fn field(&mut self, field: &FieldDefinition, depth: usize) -> String {
        let mut out = String::new();
        if self.choose(5) == 1 {
            let _ = write!(out, "a{}: ", self.choose(20));
        }
        out.push_str(&field.name.node);
        let arguments = self.arguments(field);
        if !arguments.is_empty() {
            let _ = write!(out, "({})", arguments.join(", "));
        }
        out.push(' ');
        out.push_str(&self.condition());
        let ty = name_of(&field.ty.node);
        if SCHEMA.is_composite(&ty) {
            out.push_str(&self.set(&ty, depth + 1));
            out.push(' ');
        }
        out
    }

    /// All that have to be there, and some others.
    fn arguments(&mut self, field: &FieldDefinition) -> Vec<String> {
        let mut out = vec![];
        for argument in field.arguments.iter().map(|argument| &argument.node) {
            if is_required(argument) || self.choose(3) == 1 {
                let value = match self.choose(4) {
                    1 => self.variable(argument),
                    _ => self.value(&argument.ty.node, 0),
                };
                out.push(format!("{}: {value}", argument.name.node));
            }
        }
        out
    }

    fn variable(&mut self, argument: &InputValueDefinition) -> String {
        let name = format!("v{}", self.declared.len());
        self.declared.push(format!("${name}: {}", argument.ty.node));
        let literal = self.value(&argument.ty.node, 0);
        // Enums aside, what is written in a document is nearly JSON: what is not is sent as a text.
        let value = serde_json::from_str(&literal).unwrap_or(Value::String(literal));
        self.variables.insert(name.clone(), value);
        format!("${name}")
    }

    fn condition(&mut self) -> String {
        match self.choose(10) {
            1 => "@include(if: true) ".into(),
            2 => "@skip(if: false) ".into(),
            3 => {
                let name = format!("v{}", self.declared.len());
                self.declared.push(format!("${name}: Boolean!"));
                let truth = self.choose(2) == 1;
                self.variables.insert(name.clone(), truth.into());
                format!("@include(if: ${name}) ")
            }
            _ => String::new(),
        }
    }

    fn narrower(&mut self, ty: &str) -> String {
        let kinds = SCHEMA.kinds.get(ty).cloned().unwrap_or_default();
        if kinds.is_empty() { ty.to_owned() } else { kinds[self.choose(kinds.len())].clone() }
    }

    /// The name of a fragment on the type: one that is there, or a new one.
    fn fragment(&mut self, ty: &str, depth: usize) -> String {
        let of_type = format!("F{ty}");
        let known: Vec<String> =
            self.fragments.keys().filter(|name| name.split('_').next() == Some(&*of_type)).cloned().collect();
        if !known.is_empty() && self.choose(2) == 1 {
            return known[self.choose(known.len())].clone();
        }
        let name = format!("{of_type}_{}", self.fragments.len());
        let set = self.set(ty, depth);
        self.fragments.insert(name.clone(), format!("fragment {name} on {ty} {set}"));
        name
    }

    fn value(&mut self, ty: &Type, depth: usize) -> String {
        if ty.nullable && self.choose(8) == 1 {
            return "null".into();
        }
        let name = match &ty.base {
            BaseType::List(of) => {
                let many = self.choose(4);
                let items: Vec<String> = (0..many).map(|_| self.value(of, depth)).collect();
                return format!("[{}]", items.join(", "));
            }
            BaseType::Named(name) => name.as_str(),
        };
        match (name, SCHEMA.types.get(name)) {
            (_, Some(TypeKind::Enum(of))) => {
                of.values[self.choose(of.values.len())].node.value.node.to_string()
            }
            (_, Some(TypeKind::InputObject(of))) => {
                let mut fields = vec![];
                for field in of.fields.iter().map(|field| &field.node) {
                    if is_required(field) || (depth < 3 && self.choose(3) == 1) {
                        fields.push(format!(
                            "{}: {}",
                            field.name.node,
                            self.value(&field.ty.node, depth + 1)
                        ));
                    }
                }
                format!("{{{}}}", fields.join(", "))
            }
            ("Int", _) => NUMBERS[self.choose(NUMBERS.len())].to_string(),
            ("Float", _) => ["0.5", "1e300", "-0.0"][self.choose(3)].to_owned(),
            ("Boolean", _) => (self.choose(2) == 1).to_string(),
            ("ID", _) => {
                let ids = &shop().ids;
                Value::String(ids[self.choose(ids.len())].clone()).to_string()
            }
            _ => Value::String(TEXTS[self.choose(TEXTS.len())].to_owned()).to_string(),
        }
    }
}

fn is_required(argument: &InputValueDefinition) -> bool {
    !argument.ty.node.nullable && argument.default_value.is_none()
}

fn name_of(ty: &Type) -> String {
    match &ty.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(of) => name_of(of),
    }
}
