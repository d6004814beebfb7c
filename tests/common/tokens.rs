//! Splits Rust source text into words, and finds in them what each module declares and names.
//! Comments, literals and test modules are left out.

use std::collections::{BTreeMap, BTreeSet};

use super::Names;

/// What a module of a file declares and names.
#[derive(Default)]
pub struct Scope {
    /// Modules in files of their own, each with the file that `#[path]` gives.
    pub files: Vec<(String, Option<String>)>,
    /// All paths, from `use` statements and code.
    pub paths: Vec<NamedPath>,
    /// The names that `use` statements bring in, with their paths as written.
    pub aliases: BTreeMap<String, Names>,
    /// The modules of which `use` statements bring in all.
    pub globs: Vec<Names>,
    /// The items: types, functions, constants.
    pub items: BTreeSet<String>,
    /// The items, modules and re-exports that are `pub`.
    pub public: BTreeSet<String>,
    /// Every word outside of `use` statements and declarations of modules.
    pub words: BTreeSet<String>,
}

/// A path as written.
pub struct NamedPath {
    /// Its names.
    pub names: Names,
    /// The name under which a `use` statement makes it visible to other modules: `*` for all.
    pub export: Option<String>,
    /// Whether a `use` statement brings in all of it.
    pub is_glob: bool,
}

impl Scope {
    /// Whether it has an item or an import of this name.
    pub fn has(&self, name: &str) -> bool {
        self.items.contains(name) || self.aliases.contains_key(name)
    }

    /// A path with its first name replaced by what a `use` statement gave that name to.
    pub fn written_out(&self, path: &[String]) -> Names {
        match path.split_first().and_then(|(first, rest)| Some((self.aliases.get(first)?, rest))) {
            Some((alias, rest)) => [alias.as_slice(), rest].concat(),
            None => path.to_vec(),
        }
    }
}

/// The modules of a source text: its own under the empty path, and those within it.
pub fn scopes(text: &str) -> BTreeMap<Names, Scope> {
    let mut reader = Reader { tokens: tokens(text), scopes: BTreeMap::new() };
    let end = reader.tokens.len();
    reader.module(&[], 0, end);
    reader.scopes
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    /// `::`
    Colons,
    Sign(char),
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    let mut tokens = Vec::new();
    let mut index = 0;
    while index < chars.len() {
        let begin = index;
        match at(index) {
            '/' if at(index + 1) == '/' => index = (index..chars.len()).find(|index| at(*index) == '\n').unwrap_or(chars.len()),
            '/' if at(index + 1) == '*' => index = after_comment(&chars, index),
            '"' => {
                index += 1;
                while index < chars.len() && at(index) != '"' {
                    index += if at(index) == '\\' { 2 } else { 1 };
                }
                tokens.push(Token::Text(chars[begin + 1..index.min(chars.len())].iter().collect()));
                index += 1;
            }
            // A character, or else the quote of a lifetime.
            '\'' if at(index + 1) == '\\' => {
                index = (index + 3..chars.len()).find(|index| at(*index) == '\'').unwrap_or(chars.len()) + 1;
            }
            '\'' if at(index + 2) == '\'' => index += 3,
            '\'' => index = (index + 1..chars.len()).find(|index| !is_word(at(*index))).unwrap_or(chars.len()),
            ':' if at(index + 1) == ':' => {
                tokens.push(Token::Colons);
                index += 2;
            }
            char if is_word(char) => {
                index = (index..chars.len()).find(|index| !is_word(at(*index))).unwrap_or(chars.len());
                let word: String = chars[begin..index].iter().collect();
                let hashes = chars[index..].iter().take_while(|char| **char == '#').count();
                if ["r", "br", "cr"].contains(&word.as_str()) && at(index + hashes) == '"' {
                    index = after_raw(&chars, index + hashes + 1, hashes);
                } else if word == "r" && hashes == 1 {
                    index += 1;
                } else if !(char.is_numeric() || ["b", "c"].contains(&word.as_str()) && ['"', '\''].contains(&at(index))) {
                    tokens.push(Token::Word(word));
                }
            }
            char => {
                if !char.is_whitespace() {
                    tokens.push(Token::Sign(char));
                }
                index += 1;
            }
        }
    }
    tokens
}

/// The index after a block comment, in which others may be.
fn after_comment(chars: &[char], begin: usize) -> usize {
    let (mut depth, mut index) = (0, begin);
    while index < chars.len() {
        match chars.get(index..index + 2) {
            Some(['/', '*']) => (depth, index) = (depth + 1, index + 2),
            Some(['*', '/']) => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            return index;
        }
    }
    chars.len()
}

/// The index after a raw string with so many hashes.
fn after_raw(chars: &[char], begin: usize, hashes: usize) -> usize {
    let is_end =
        |index: &usize| chars[*index] == '"' && chars[index + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    (begin..chars.len()).find(is_end).map_or(chars.len(), |index| index + 1 + hashes)
}

struct Reader {
    tokens: Vec<Token>,
    scopes: BTreeMap<Names, Scope>,
}

/// What attributes say of the item behind them.
#[derive(Default)]
struct Attributes {
    is_test: bool,
    path: Option<String>,
}

impl Reader {
    fn word(&self, index: usize) -> Option<&str> {
        match self.tokens.get(index)? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is_sign(&self, index: usize, sign: char) -> bool {
        self.tokens.get(index) == Some(&Token::Sign(sign))
    }

    /// The index of the sign that closes what opens at an index.
    fn closing(&self, begin: usize, open: char, close: char) -> usize {
        let mut depth = 0_usize;
        for index in begin..self.tokens.len() {
            if self.is_sign(index, open) {
                depth += 1;
            } else if self.is_sign(index, close) {
                depth -= 1;
                if depth == 0 {
                    return index;
                }
            }
        }
        self.tokens.len()
    }

    /// Reads the tokens of a module.
    fn module(&mut self, path: &[String], begin: usize, end: usize) {
        let mut scope = Scope::default();
        let (mut index, mut depth) = (begin, 0_usize);
        let mut attributes = Attributes::default();
        let mut visibility = Visibility::Private;
        while index < end {
            if self.is_sign(index, '#') {
                let open = index + 1 + usize::from(self.is_sign(index + 1, '!'));
                if self.is_sign(open, '[') {
                    let close = self.closing(open, '[', ']');
                    self.attribute(open + 1, close, &mut attributes);
                    self.paths(open + 1, close, &mut scope);
                    index = close + 1;
                    continue;
                }
            }
            match self.word(index) {
                Some("pub") => {
                    let is_limited =
                        self.is_sign(index + 1, '(') && self.word(index + 2).is_some_and(|word| WITHIN.contains(&word));
                    visibility = if is_limited { Visibility::Crate } else { Visibility::Public };
                    index = if is_limited { self.closing(index + 1, '(', ')') } else { index } + 1;
                    continue;
                }
                Some("mod") if self.word(index + 1).is_some() => {
                    let name = self.word(index + 1).unwrap_or_default().to_owned();
                    if visibility == Visibility::Public {
                        scope.public.insert(name.clone());
                    }
                    let close = if self.is_sign(index + 2, '{') { self.closing(index + 2, '{', '}') } else { index + 2 };
                    if !attributes.is_test && self.is_sign(index + 2, '{') {
                        self.module(&[path, &[name]].concat(), index + 3, close);
                    } else if !attributes.is_test {
                        scope.files.push((name, attributes.path.take()));
                    }
                    index = close + 1;
                }
                Some("use") if !self.is_sign(index + 1, '<') => {
                    self.tree(&mut index, Names::new(), visibility, &mut scope);
                    index += 1;
                }
                Some(word) => {
                    if depth == 0 && ITEMS.contains(&word) {
                        let at = index + 1 + usize::from(self.word(index + 1) == Some("mut"));
                        let name = self.word(at).unwrap_or_default().to_owned();
                        // As in `const fn` and `type F = fn()`.
                        if !name.is_empty() && !ITEMS.contains(&name.as_str()) && !MODIFIERS.contains(&name.as_str()) {
                            if visibility == Visibility::Public {
                                scope.public.insert(name.clone());
                            }
                            scope.items.insert(name);
                        }
                    }
                    if word == "const" || MODIFIERS.contains(&word) {
                        index += 1;
                        continue;
                    }
                    index = self.path(index, &mut scope);
                }
                None => {
                    if self.is_sign(index, '{') {
                        depth += 1;
                    } else if self.is_sign(index, '}') {
                        depth = depth.saturating_sub(1);
                    }
                    index += 1;
                    if matches!(self.tokens[index - 1], Token::Text(_)) {
                        // As in `pub extern "C" fn`.
                        continue;
                    }
                }
            }
            (attributes, visibility) = (Attributes::default(), Visibility::Private);
        }
        self.scopes.insert(path.to_vec(), scope);
    }

    fn attribute(&self, begin: usize, end: usize, attributes: &mut Attributes) {
        let has = |name| (begin..end).any(|index| self.word(index) == Some(name));
        attributes.is_test |= self.word(begin) == Some("cfg") && has("test") && !has("not") && !has("any");
        if let (Some("path"), Some(Token::Text(path))) = (self.word(begin), self.tokens.get(begin + 2)) {
            attributes.path = Some(path.clone());
        }
    }

    /// Reads the paths of some tokens.
    fn paths(&self, begin: usize, end: usize, scope: &mut Scope) {
        let mut index = begin;
        while index < end {
            index = if self.word(index).is_some() { self.path(index, scope) } else { index + 1 };
        }
    }

    /// Reads a path, or a word alone. Returns the index behind it.
    fn path(&self, begin: usize, scope: &mut Scope) -> usize {
        let mut names = Names::new();
        let mut index = begin;
        while let Some(word) = self.word(index) {
            names.push(word.to_owned());
            scope.words.insert(word.to_owned());
            index += 1;
            if self.tokens.get(index) != Some(&Token::Colons) || self.word(index + 1).is_none() {
                break;
            }
            index += 1;
        }
        // What follows generics or a value, as in `<T>::new`, is no path of a module.
        let is_continued = begin > 0 && (self.tokens[begin - 1] == Token::Colons || self.is_sign(begin - 1, '.'));
        if names.len() > 1 && !is_continued {
            scope.paths.push(NamedPath { names, export: None, is_glob: false });
        }
        index
    }

    /// Reads what follows `use`, a comma or a brace of it. Ends at what ends it.
    fn tree(&self, index: &mut usize, mut names: Names, visibility: Visibility, scope: &mut Scope) {
        let mut alias = None;
        loop {
            *index += 1;
            match self.tokens.get(*index) {
                Some(Token::Word(word)) if word == "as" => {
                    alias = self.word(*index + 1).map(str::to_owned);
                    *index += 1;
                }
                // In braces it is what is before them.
                Some(Token::Word(word)) if word == "self" && !names.is_empty() => {}
                Some(Token::Word(word)) => names.push(word.clone()),
                Some(Token::Colons) => {}
                Some(Token::Sign('*')) => {
                    let export = (visibility != Visibility::Private).then(|| "*".to_owned());
                    scope.paths.push(NamedPath { names: names.clone(), export, is_glob: true });
                    scope.globs.push(names);
                    *index += 1;
                    return;
                }
                Some(Token::Sign('{')) => {
                    while !self.is_sign(*index, '}') && *index < self.tokens.len() {
                        self.tree(index, names.clone(), visibility, scope);
                    }
                    *index += 1;
                    return;
                }
                _ => break,
            }
        }
        // Nothing is between a last comma and its brace.
        let is_end_of_list = self.is_sign(*index, '}') && (self.is_sign(*index - 1, ',') || self.is_sign(*index - 1, '{'));
        let Some(last) = names.last().filter(|_| !is_end_of_list) else { return };
        let name = alias.unwrap_or_else(|| last.clone());
        if visibility == Visibility::Public {
            scope.public.insert(name.clone());
        }
        let export = (visibility != Visibility::Private).then(|| name.clone());
        scope.paths.push(NamedPath { names: names.clone(), export, is_glob: false });
        scope.aliases.insert(name, names);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visibility {
    Private,
    Crate,
    Public,
}

/// What limits `pub`, as in `pub(super)`.
const WITHIN: [&str; 4] = ["crate", "super", "self", "in"];
/// What comes before the name of an item.
const ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];
/// What comes before those.
const MODIFIERS: [&str; 4] = ["unsafe", "async", "extern", "auto"];
