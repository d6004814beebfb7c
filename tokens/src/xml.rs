//! XML in pieces: one small tree at a time, in memory that is reused and wiped. Names count without
//! regard to case and prefix. No document types, no entities but XML's own, and bounds on depth,
//! size and number.

use std::io::BufRead;

use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error as XmlError, XmlVersion};
use zeroize::Zeroize;

use crate::metered::{self, MAX_PIECE_BYTES, Metered};
use crate::{Error, ErrorKind, Location};

const MAX_DEPTH: u16 = 32;
const MAX_NODES: usize = 2048;

/// What a document goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An element opens: its name and attributes are the last of the tree.
    Open,
    /// The element that was open last closes.
    Close,
    /// The document is over.
    End,
}

#[derive(Debug)]
pub(crate) struct Xml<R> {
    reader: quick_xml::Reader<Metered<R>>,
    buffer: Vec<u8>,
    depth: u16,
    tree: Tree,
}

impl<R: BufRead> Xml<R> {
    pub(crate) fn new(input: R) -> Self {
        let mut reader = quick_xml::Reader::from_reader(Metered::new(input));
        reader.config_mut().expand_empty_elements = true;
        // Nothing is moved to a larger place, so that no copy of a secret stays behind.
        Self { reader, buffer: Vec::with_capacity(MAX_PIECE_BYTES), depth: 0, tree: Tree::default() }
    }

    /// The line that is read next.
    pub(crate) fn line(&self) -> u64 {
        self.reader.get_ref().line()
    }

    pub(crate) fn fatal(&self, kind: ErrorKind) -> Error {
        Error::fatal(kind, Location { line: Some(self.line()), ..Location::default() })
    }

    /// Forgets the tree, and goes on to the next start or end of an element.
    pub(crate) fn next(&mut self) -> Result<Step, Error> {
        self.tree.clear();
        self.step()
    }

    /// The element that was opened last, as far as it was read.
    pub(crate) fn opened(&self) -> Element<'_> {
        Element { tree: &self.tree, at: 0 }
    }

    /// Reads the element that was opened last to its end.
    pub(crate) fn element(&mut self) -> Result<Element<'_>, Error> {
        let depth = self.depth;
        while self.depth >= depth {
            self.step()?;
        }
        Ok(self.opened())
    }

    /// Passes over the element that was opened last.
    pub(crate) fn skip(&mut self) -> Result<(), Error> {
        let depth = self.depth;
        while self.depth >= depth {
            self.next()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Step, Error> {
        loop {
            self.reader.get_mut().start_piece();
            let read = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => take(event, &mut self.depth, &mut self.tree),
                Err(error) => Err(kind(&error)),
            };
            self.buffer.as_mut_slice().zeroize();
            self.buffer.clear();
            match read {
                Ok(None) => {}
                Ok(Some(step)) => return Ok(step),
                Err(kind) => return Err(self.fatal(kind)),
            }
        }
    }
}

/// Puts an event into the tree.
fn take(event: Event<'_>, depth: &mut u16, tree: &mut Tree) -> Result<Option<Step>, ErrorKind> {
    match event {
        Event::Start(start) => {
            if *depth >= MAX_DEPTH {
                return Err(ErrorKind::Nesting);
            }
            tree.open(&start, *depth)?;
            *depth = depth.saturating_add(1);
            return Ok(Some(Step::Open));
        }
        Event::End(_) => {
            *depth = depth.saturating_sub(1);
            return Ok(Some(Step::Close));
        }
        Event::Eof if *depth > 0 => return Err(ErrorKind::Truncated),
        Event::Eof => return Ok(Some(Step::End)),
        Event::Text(text) => tree.text(&text, *depth)?,
        Event::CData(text) => tree.text(&text, *depth)?,
        Event::GeneralRef(entity) => {
            let letter = if entity.is_char_ref() {
                entity.resolve_char_ref().ok().flatten()
            } else {
                quick_xml::escape::resolve_xml_entity(&entity).and_then(|text| text.chars().next())
            };
            let mut bytes = [0; 4];
            tree.text(letter.ok_or(ErrorKind::Entity)?.encode_utf8(&mut bytes), *depth)?;
        }
        Event::DocType(_) => return Err(ErrorKind::Entity),
        Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
    }
    Ok(None)
}

fn kind(error: &XmlError) -> ErrorKind {
    match error {
        XmlError::Io(error) => metered::kind(error),
        XmlError::Syntax(SyntaxError::InvalidBangMarkup) => ErrorKind::Xml,
        XmlError::Syntax(_) | XmlError::IllFormed(IllFormedError::MissingEndTag(_)) => ErrorKind::Truncated,
        XmlError::Encoding(_) => ErrorKind::Encoding,
        _ => ErrorKind::Xml,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeKind {
    Element,
    Attribute,
    Text,
}

/// A part of the tree's text.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: NodeKind,
    depth: u16,
    name: Part,
    value: Part,
}

/// Elements in the order of the document, each with its attributes and texts behind it.
#[derive(Debug)]
struct Tree {
    nodes: Vec<Node>,
    text: Vec<u8>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: Vec::with_capacity(MAX_NODES), text: Vec::with_capacity(MAX_PIECE_BYTES) }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Tree {
    fn clear(&mut self) {
        self.nodes.clear();
        self.text.as_mut_slice().zeroize();
        self.text.clear();
    }

    fn put(&mut self, text: &str) -> Result<Part, ErrorKind> {
        let start = self.text.len();
        let end = start.saturating_add(text.len());
        if end > MAX_PIECE_BYTES {
            return Err(ErrorKind::Size(MAX_PIECE_BYTES));
        }
        self.text.extend_from_slice(text.as_bytes());
        Ok(Part { start, end })
    }

    fn push(&mut self, node: Node) -> Result<(), ErrorKind> {
        if self.nodes.len() >= MAX_NODES {
            return Err(ErrorKind::Nesting);
        }
        self.nodes.push(node);
        Ok(())
    }

    fn open(&mut self, start: &BytesStart<'_>, depth: u16) -> Result<(), ErrorKind> {
        let name = self.put(start.local_name().as_ref())?;
        self.push(Node { kind: NodeKind::Element, depth, name, value: Part::default() })?;
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| ErrorKind::Xml)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| ErrorKind::Entity)?;
            let name = self.put(attribute.key.local_name().as_ref())?;
            let value = self.put(&value)?;
            self.push(Node { kind: NodeKind::Attribute, depth, name, value })?;
        }
        Ok(())
    }

    /// A text in the element that is open at `depth`; what follows a text without an element
    /// between them belongs to it.
    fn text(&mut self, text: &str, depth: u16) -> Result<(), ErrorKind> {
        let follows = self.nodes.last().is_some_and(|last| last.kind == NodeKind::Text && last.depth == depth);
        if self.nodes.is_empty() || (!follows && text.trim_ascii().is_empty()) {
            return Ok(());
        }
        let value = self.put(text)?;
        match self.nodes.last_mut() {
            Some(last) if follows => last.value.end = value.end,
            _ => self.push(Node { kind: NodeKind::Text, depth, name: Part::default(), value })?,
        }
        Ok(())
    }

    fn get(&self, part: Part) -> &str {
        self.text.get(part.start..part.end).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// An element of a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'t> {
    tree: &'t Tree,
    at: usize,
}

impl<'t> Element<'t> {
    fn depth(self) -> u16 {
        self.tree.nodes.get(self.at).map_or(0, |node| node.depth)
    }

    /// What is behind its name: attributes, texts and elements within.
    fn inside(self) -> impl Iterator<Item = (usize, &'t Node)> {
        let depth = self.depth();
        let nodes = self.tree.nodes.iter().enumerate().skip(self.at.saturating_add(1));
        nodes.take_while(move |(_, node)| node.kind != NodeKind::Element || node.depth > depth)
    }

    /// The name without its prefix.
    pub(crate) fn name(self) -> &'t str {
        self.tree.nodes.get(self.at).map_or("", |node| self.tree.get(node.name))
    }

    pub(crate) fn is(self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    pub(crate) fn attribute(self, name: &str) -> Option<&'t str> {
        let depth = self.depth();
        let mut own = self.inside().filter(|(_, node)| node.kind == NodeKind::Attribute && node.depth == depth);
        let (_, node) = own.find(|(_, node)| self.tree.get(node.name).eq_ignore_ascii_case(name))?;
        Some(self.tree.get(node.value).trim())
    }

    /// The text between its tags, without blanks around it.
    pub(crate) fn text(self) -> &'t str {
        let depth = self.depth().saturating_add(1);
        let mut texts = self.inside().filter(|(_, node)| node.kind == NodeKind::Text && node.depth == depth);
        texts.next().map_or("", |(_, node)| self.tree.get(node.value).trim())
    }

    pub(crate) fn children(self) -> impl Iterator<Item = Self> {
        let depth = self.depth().saturating_add(1);
        let tree = self.tree;
        let within = self.inside().filter(move |(_, node)| node.kind == NodeKind::Element && node.depth == depth);
        within.map(move |(at, _)| Self { tree, at })
    }

    pub(crate) fn child(self, name: &str) -> Option<Self> {
        self.children().find(|child| child.is(name))
    }

    /// The first of the children with one of the names.
    pub(crate) fn any_child(self, names: &[&str]) -> Option<Self> {
        self.children().find(|child| names.iter().any(|name| child.is(name)))
    }

    /// The element itself or one within it, at any depth.
    pub(crate) fn descendant(self, name: &str) -> Option<Self> {
        let tree = self.tree;
        let mut elements = self.inside().filter(|(_, node)| node.kind == NodeKind::Element);
        elements.find(|(_, node)| tree.get(node.name).eq_ignore_ascii_case(name)).map(|(at, _)| Self { tree, at })
    }

    /// The text of a child, if it is not blank.
    pub(crate) fn child_text(self, name: &str) -> Option<&'t str> {
        self.child(name).map(Self::text).filter(|text| !text.is_empty())
    }
}
