//! Reads from a crate's sources which of its files uses which. The tests of layers stand on it.
//!
//! It reads `use` statements and paths in code, follows re-exports to the file that defines the
//! name, and leaves out test modules: `#[cfg(test)] mod x;` with its file, and
//! `#[cfg(test)] mod x { ... }`. The rest of such a file is read.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

#[path = "tokens.rs"]
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tokens::Scope;

/// The names of a path, in order: `["store", "copy"]`. That of the crate's root is empty.
pub type Names = Vec<String>;

/// The modules of a crate, without its test modules.
#[derive(Default)]
pub struct Crate {
    modules: BTreeMap<Names, Module>,
}

struct Module {
    /// The file, relative to that of the root, with slashes: `store/copy/mod.rs`.
    file: String,
    scope: Scope,
}

/// One file uses another one of the same crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The file with the path, relative to the folder of the root: `http/handler.rs`.
    pub from: String,
    /// The file that defines what the path names.
    pub to: String,
    /// What the path names, from the crate's root: `store::Store`. Re-exports are followed.
    pub name: String,
    /// Whether it is a re-export only, and the file itself does nothing with the name.
    pub is_export: bool,
}

impl Crate {
    /// Reads a crate from its root file, such as `src/lib.rs`.
    ///
    /// Panics if the file of a module is missing.
    pub fn read(root: &Path) -> Self {
        let folder = root.parent().unwrap_or(Path::new(""));
        let name = root.file_name().and_then(|name| name.to_str()).unwrap();
        Self::load(name, &|file| fs::read_to_string(folder.join(file)).ok())
    }

    /// A crate of made-up files, by their names. The first one is the root.
    pub fn from_sources(files: &[(&str, &str)]) -> Self {
        let source = |file: &Path| files.iter().find(|(name, _)| Path::new(name) == file).map(|(_, source)| (*source).to_owned());
        Self::load(files[0].0, &source)
    }

    fn load(root: &str, source: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut tree = Self::default();
        let text = source(Path::new(root)).unwrap_or_else(|| panic!("{root} is missing"));
        tree.add(&[], Path::new(root), Path::new(""), &text, source);
        tree
    }

    /// Adds a file, and those of the modules that it declares. `folder` is where they are.
    fn add(&mut self, path: &[String], file: &Path, folder: &Path, text: &str, source: &dyn Fn(&Path) -> Option<String>) {
        for (inner, scope) in tokens::scopes(text) {
            let own = [path, &inner].concat();
            let folder = inner.iter().fold(folder.to_owned(), |folder, name| folder.join(name));
            for (name, given) in &scope.files {
                let (flat, nested) = (folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs"));
                let places: Vec<(PathBuf, PathBuf)> = match given {
                    Some(given) => {
                        let place = file.parent().unwrap_or(Path::new("")).join(given);
                        vec![(place.clone(), place.parent().unwrap_or(Path::new("")).to_owned())]
                    }
                    None => vec![(flat, folder.join(name)), (nested, folder.join(name))],
                };
                let found = places.into_iter().find_map(|(file, folder)| source(&file).map(|text| (file, folder, text)));
                let (file, folder, text) =
                    found.unwrap_or_else(|| panic!("the file of module {name} of {} is missing", file.display()));
                self.add(&[own.as_slice(), std::slice::from_ref(name)].concat(), &file, &folder, &text, source);
            }
            self.modules.insert(own, Module { file: file.to_str().unwrap().replace('\\', "/"), scope });
        }
    }

    /// The files, each with the path of its module.
    pub fn files(&self) -> BTreeMap<String, Names> {
        // An inner module comes after the one around it.
        self.modules.iter().rev().map(|(path, module)| (module.file.clone(), path.clone())).collect()
    }

    /// Which file uses which, in order and without repeats. To import a module is to use what the
    /// code then names of it.
    pub fn uses(&self) -> BTreeSet<Use> {
        let mut uses = BTreeSet::new();
        for (from, module) in &self.modules {
            for path in &module.scope.paths {
                let Some((home, item)) = self.resolve(from, &path.names, 0) else { continue };
                let to = &self.modules[&home].file;
                if *to != module.file && (item.is_some() || path.is_glob) {
                    let name = home.iter().chain(&item).map(String::as_str).collect::<Vec<_>>().join("::");
                    let is_export = path.export.as_ref().is_some_and(|name| !module.scope.words.contains(name));
                    uses.insert(Use { from: module.file.clone(), to: to.clone(), name, is_export });
                }
            }
        }
        uses
    }

    /// The paths into other crates, each with its file and with aliases written out:
    /// `("tls.rs", ["rustls", "ClientConfig"])`. Names of the prelude and of the file itself, such
    /// as `Self::new`, are among them.
    pub fn outside(&self) -> BTreeSet<(String, Names)> {
        let paths = self.modules.iter().flat_map(|(from, module)| module.scope.paths.iter().map(move |path| (from, module, path)));
        paths
            .filter(|(from, _, path)| self.resolve(from, &path.names, 0).is_none())
            .map(|(_, module, path)| (module.file.clone(), module.scope.written_out(&path.names)))
            .collect()
    }

    /// The paths to what is outside a folder or file at the top, with that file: from the crate's
    /// root, and as they are written there, before re-exports are followed.
    pub fn written(&self, room: &str) -> BTreeSet<(String, Names)> {
        let modules = self.modules.iter().filter(|(path, _)| path.first().is_some_and(|first| first == room));
        let paths = modules.flat_map(|(from, module)| module.scope.paths.iter().map(move |path| (from, module, path)));
        paths
            .filter_map(|(from, module, path)| {
                let mut names = module.scope.written_out(&path.names);
                // Aliases lead to aliases: `use super::x::y; use y::z;`.
                while module.scope.written_out(&names) != names && names.len() < 32 {
                    names = module.scope.written_out(&names);
                }
                let mut base = match names.first()?.as_str() {
                    "crate" => Names::new(),
                    "self" | "super" => from.clone(),
                    _ => return None,
                };
                for name in names {
                    match name.as_str() {
                        "crate" | "self" => {}
                        "super" => drop(base.pop()),
                        _ => base.push(name),
                    }
                }
                let is_inside = base.first().is_none_or(|first| first == room);
                (!is_inside).then(|| (module.file.clone(), base))
            })
            .collect()
    }

    /// Whether other crates can name this path from the root: `["Totp"]`, `["ffi", "uri"]`.
    pub fn is_public(&self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        let Some(root) = self.modules.get(&Vec::new()) else { return false };
        root.scope.public.contains(first) && (rest.is_empty() || self.is_public_in(&[], path))
    }

    fn is_public_in(&self, module: &[String], path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        let inner = [module, &path[..1]].concat();
        let is_named = self.modules[module].scope.public.contains(first);
        // What follows a type is its own: a function or a variant.
        is_named && (!self.modules.contains_key(&inner) || self.is_public_in(&inner, rest))
    }

    /// The module that defines what a path names within a module, and the item's name if it is not
    /// that module itself. None for another crate's.
    pub fn home(&self, module: &[String], path: &[String]) -> Option<(Names, Option<String>)> {
        self.resolve(module, path, 0)
    }

    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<(Names, Option<String>)> {
        let (first, rest) = path.split_first().filter(|_| depth < 32)?;
        match first.as_str() {
            "crate" => self.descend(&[], rest, depth),
            "self" => self.descend(from, rest, depth),
            "super" => {
                let mut parent = from.split_last()?.1;
                let mut rest = rest;
                while rest.first().is_some_and(|name| name == "super") {
                    (parent, rest) = (parent.split_last()?.1, &rest[1..]);
                }
                self.descend(parent, rest, depth)
            }
            _ if self.modules.contains_key(&[from, &path[..1]].concat()) => self.descend(from, path, depth),
            name => {
                let path = self.modules.get(from)?.scope.aliases.get(name)?;
                // `use serde::{self, ...}` names the crate by its own name.
                if path.first() == Some(first) && !path.starts_with(&["crate".to_owned()]) && path.len() == 1 {
                    return None;
                }
                self.resolve(from, &[path.as_slice(), rest].concat(), depth + 1)
            }
        }
    }

    fn descend(&self, module: &[String], path: &[String], depth: usize) -> Option<(Names, Option<String>)> {
        let Some((first, rest)) = path.split_first() else { return Some((module.to_vec(), None)) };
        let inner = [module, &path[..1]].concat();
        if self.modules.contains_key(&inner) {
            return self.descend(&inner, rest, depth);
        }
        let scope = &self.modules.get(module)?.scope;
        if let Some(alias) = scope.aliases.get(first) {
            return self.resolve(module, &[alias.as_slice(), rest].concat(), depth + 1);
        }
        if !scope.items.contains(first) {
            for glob in &scope.globs {
                let home = self.resolve(module, glob, depth + 1);
                if let Some((home, None)) = home
                    && (self.modules[&home].scope.has(first) || self.modules.contains_key(&[home.as_slice(), &path[..1]].concat()))
                {
                    return self.descend(&home, path, depth + 1);
                }
            }
        }
        Some((module.to_vec(), Some(first.clone())))
    }
}

/// The room of a file: the folder or the file at the top that it belongs to, such as `http` or
/// `tls`.
pub fn room(file: &str) -> &str {
    let room = file.split('/').next().unwrap_or_default();
    room.strip_suffix(".rs").unwrap_or(room)
}

/// What breaks the order of layers, lowest first: a room uses one of a higher layer, or is in no
/// layer or in two, or a layer names a room that is not there. The root file may use any room.
pub fn layer_faults(tree: &Crate, layers: &[&[&str]]) -> Vec<String> {
    let files = tree.files();
    let root = files.iter().find(|(_, path)| path.is_empty()).map(|(file, _)| file.clone()).unwrap_or_default();
    let rooms: BTreeSet<&str> = files.keys().filter(|file| **file != root).map(|file| room(file)).collect();
    let layer = |room: &str| layers.iter().position(|layer| layer.contains(&room));
    let mut faults = Vec::new();
    for room in &rooms {
        match layers.iter().flat_map(|layer| layer.iter()).filter(|listed| *listed == room).count() {
            0 => faults.push(format!("{room} is in no layer")),
            1 => {}
            _ => faults.push(format!("{room} is in more than one layer")),
        }
    }
    let gone = layers.iter().flat_map(|layer| layer.iter()).filter(|listed| !rooms.contains(*listed));
    faults.extend(gone.map(|listed| format!("{listed} is in a layer and not in the sources")));
    for one in tree.uses().into_iter().filter(|one| one.from != root) {
        if one.to == root {
            faults.push(format!("{} uses {} of the root file", one.from, one.name));
        } else if let (Some(own), Some(other)) = (layer(room(&one.from)), layer(room(&one.to)))
            && other > own
        {
            faults.push(format!("{} uses {} of the higher layer of {}", one.from, one.name, one.to));
        }
    }
    faults
}

/// The circles of files that use each other, each as lines of which file uses what of which.
/// Re-exports make none.
pub fn circles(tree: &Crate) -> Vec<String> {
    let uses: Vec<Use> = tree.uses().into_iter().filter(|one| !one.is_export).collect();
    let files: BTreeSet<&str> = uses.iter().flat_map(|one| [one.from.as_str(), &one.to]).collect();
    let reached: BTreeMap<&str, BTreeSet<&str>> = files.iter().map(|file| (*file, reached(file, &uses))).collect();
    let mut circles = BTreeSet::new();
    for file in files.iter().filter(|file| reached[*file].contains(*file)) {
        let circle: BTreeSet<&str> = reached[file].iter().filter(|other| reached[*other].contains(file)).copied().collect();
        let within = uses.iter().filter(|one| circle.contains(one.from.as_str()) && circle.contains(one.to.as_str()));
        let lines: Vec<_> = within.map(|one| format!("{} uses {} of {}", one.from, one.name, one.to)).collect();
        circles.insert(lines.join("\n"));
    }
    circles.into_iter().collect()
}

/// The files that a file uses, and those that they use.
fn reached<'u>(file: &str, uses: &'u [Use]) -> BTreeSet<&'u str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = uses.iter().filter(|one| one.from == file).map(|one| one.to.as_str()).collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(uses.iter().filter(|one| one.from == next).map(|one| one.to.as_str()));
        }
    }
    reached
}
