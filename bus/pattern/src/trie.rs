//! The paths that rules look at, as a tree of their keys.

use hashbrown::HashMap;

/// A node of the tree, and the field at it.
pub(crate) type Node = u32;

pub(crate) const ROOT: Node = 0;

#[derive(Clone, Debug)]
pub(crate) struct Trie {
    nodes: Vec<Children>,
    /// Whether a rule looks at values right here.
    used: Vec<bool>,
}

#[derive(Clone, Debug)]
enum Children {
    Few(Vec<(Box<[u8]>, Node)>),
    Many(HashMap<Box<[u8]>, Node>),
}

/// From here on a table beats a list.
const MANY: usize = 12;

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Children::Few(vec![])], used: vec![false] }
    }
}

impl Trie {
    /// The node of a path, which is then looked at.
    pub(crate) fn add(&mut self, path: &[u8]) -> Node {
        let node = path.split(|byte| *byte == b'.').fold(ROOT, |node, key| self.add_child(node, key));
        self.used[node as usize] = true;
        node
    }

    fn add_child(&mut self, node: Node, key: &[u8]) -> Node {
        if let Some(Step::Whole(child)) = self.nodes[node as usize].step(key) {
            return child;
        }
        let child = self.nodes.len() as Node;
        self.nodes.push(Children::Few(vec![]));
        self.used.push(false);
        self.nodes[node as usize].push(key.into(), child);
        child
    }

    /// Where an event's key leads to. A key with dots is as good as several keys.
    #[inline]
    pub(crate) fn descend(&self, mut node: Node, mut key: &[u8]) -> Option<Node> {
        loop {
            match self.nodes[node as usize].step(key)? {
                Step::Whole(child) => return Some(child),
                Step::Part(child, length) => {
                    node = child;
                    key = &key[length + 1..];
                }
            }
        }
    }

    #[inline]
    pub(crate) fn is_used(&self, node: Node) -> bool {
        self.used[node as usize]
    }

    #[inline]
    pub(crate) fn is_leaf(&self, node: Node) -> bool {
        matches!(&self.nodes[node as usize], Children::Few(children) if children.is_empty())
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

enum Step {
    Whole(Node),
    /// The key's beginning, of that length, before a dot.
    Part(Node, usize),
}

impl Children {
    #[inline]
    fn step(&self, key: &[u8]) -> Option<Step> {
        match self {
            Self::Few(children) => children.iter().find_map(|(name, child)| {
                if key.len() == name.len() {
                    (*key == **name).then_some(Step::Whole(*child))
                } else {
                    let part = key.get(name.len()) == Some(&b'.') && key.starts_with(name);
                    part.then_some(Step::Part(*child, name.len()))
                }
            }),
            Self::Many(children) => match children.get(key) {
                Some(child) => Some(Step::Whole(*child)),
                None => {
                    let length = memchr::memchr(b'.', key)?;
                    children.get(&key[..length]).map(|child| Step::Part(*child, length))
                }
            },
        }
    }

    fn push(&mut self, key: Box<[u8]>, child: Node) {
        match self {
            Self::Few(children) if children.len() < MANY => children.push((key, child)),
            Self::Few(children) => {
                let children = std::mem::take(children).into_iter().chain([(key, child)]);
                *self = Self::Many(children.collect());
            }
            Self::Many(children) => {
                children.insert(key, child);
            }
        }
    }
}
