//! Every path that a source file names, with imports resolved: `use` trees, expressions, types, attributes, and the
//! tokens of macros.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// What a file names.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Paths from their root: `crate`, a crate, or a name that can't be resolved. With whether only tests name them.
    pub(super) paths: BTreeSet<(Vec<String>, bool)>,
    /// Calls of methods, as `set_len` and, with a literal, `create(true)`.
    pub(super) methods: BTreeSet<(String, bool)>,
}

impl Named {
    /// Reads a file of `src`, for example `tui/keys.rs`. `crates` are the names of the dependencies.
    pub(super) fn read(file: &str, text: &str, crates: &BTreeSet<String>) -> Named {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut reader = Reader {
            module: module(file),
            depth: usize::from(is_test_file(file)),
            imports: BTreeMap::new(),
            raw: BTreeSet::new(),
            methods: BTreeSet::new(),
        };
        reader.visit_file(&parsed);
        let mut paths = BTreeSet::new();
        for (path, is_test) in &reader.raw {
            for full in reader.resolve(path, crates, 0) {
                paths.insert((full, *is_test));
            }
        }
        Named {
            paths,
            methods: reader.methods,
        }
    }
}

pub(super) fn is_test_file(file: &str) -> bool {
    file.ends_with("tests.rs") || file.ends_with("testing.rs") || file.contains("/tests/")
}

/// `tui/keys/keymap.rs` as `crate::tui::keys::keymap`.
fn module(file: &str) -> Vec<String> {
    let own = file.trim_end_matches(".rs").split('/');
    let own = own.filter(|part| !matches!(*part, "lib" | "main"));
    let root = std::iter::once("crate");
    root.chain(own).map(str::to_owned).collect()
}

struct Reader {
    module: Vec<String>,
    /// How many surrounding items are for tests only.
    depth: usize,
    /// What a name was imported as, or declared as a module. One file may import a name twice, in two modules.
    imports: BTreeMap<String, Vec<Vec<String>>>,
    raw: BTreeSet<(Vec<String>, bool)>,
    methods: BTreeSet<(String, bool)>,
}

impl Reader {
    fn name(&mut self, path: Vec<String>) {
        let path = self.anchored(path);
        self.raw.insert((path, self.depth > 0));
    }

    /// `self` and `super` replaced by where the file is.
    fn anchored(&self, path: Vec<String>) -> Vec<String> {
        let mut base = self.module.clone();
        let mut rest = path.as_slice();
        if !matches!(rest.first().map(String::as_str), Some("self" | "super")) {
            return path;
        }
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            rest = tail;
        }
        base.extend_from_slice(rest);
        base
    }

    fn import(&mut self, name: String, path: Vec<String>) {
        // `use regex;` imports nothing that wasn't there.
        if path.len() > 1 || path.first() != Some(&name) {
            self.imports.entry(name).or_default().push(path);
        }
    }

    fn tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |ident: &syn::Ident| {
            let mut path = prefix.to_vec();
            path.push(ident.to_string());
            path
        };
        match tree {
            syn::UseTree::Path(part) => self.tree(&with(&part.ident), &part.tree),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(prefix, tree);
                }
            }
            syn::UseTree::Glob(_) => {
                let mut path = prefix.to_vec();
                path.push("*".to_owned());
                self.name(path);
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                let last = prefix.last().cloned().unwrap_or_default();
                self.leaf(last, prefix.to_vec());
            }
            syn::UseTree::Name(name) => self.leaf(name.ident.to_string(), with(&name.ident)),
            syn::UseTree::Rename(both) if both.ident == "self" => {
                self.leaf(both.rename.to_string(), prefix.to_vec());
            }
            syn::UseTree::Rename(both) => self.leaf(both.rename.to_string(), with(&both.ident)),
        }
    }

    fn leaf(&mut self, name: String, path: Vec<String>) {
        let path = self.anchored(path);
        self.import(name, path.clone());
        self.name(path);
    }

    /// The paths in tokens that no parser has seen: `a::b`, and `a::{b, c::d}`.
    fn tokens(&mut self, tokens: TokenStream, prefix: &[String]) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let colon =
            |at: usize| matches!(trees.get(at), Some(TokenTree::Punct(it)) if it.as_char() == ':');
        let mut at = 0;
        while at < trees.len() {
            match &trees[at] {
                TokenTree::Ident(first) => {
                    let mut path = prefix.to_vec();
                    path.push(first.to_string());
                    at += 1;
                    while colon(at) && colon(at + 1) {
                        match trees.get(at + 2) {
                            Some(TokenTree::Ident(next)) => path.push(next.to_string()),
                            Some(TokenTree::Punct(star)) if star.as_char() == '*' => {
                                path.push("*".to_owned());
                            }
                            Some(TokenTree::Group(group))
                                if group.delimiter() == Delimiter::Brace =>
                            {
                                self.tokens(group.stream(), &path);
                            }
                            _ => break,
                        }
                        at += 3;
                    }
                    if path.last().is_some_and(|last| last == "self") {
                        path.pop();
                    }
                    self.name(path);
                }
                TokenTree::Group(group) => {
                    self.tokens(group.stream(), &[]);
                    at += 1;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => at += 1,
            }
        }
    }

    /// A path from its root, by the imports of the file; several where a name was imported more than once.
    fn resolve(
        &self,
        path: &[String],
        crates: &BTreeSet<String>,
        depth: usize,
    ) -> Vec<Vec<String>> {
        let Some((first, rest)) = path.split_first() else {
            return Vec::new();
        };
        // An import named like its own crate, as `use zip::zip`, would go round for ever.
        if let Some(imported) = self
            .imports
            .get(first)
            .filter(|_| depth < 8 && first != "crate")
        {
            let joined = imported.iter().filter(|import| import.as_slice() != path);
            let mut found: Vec<_> = joined
                .flat_map(|import| {
                    let full = [import, rest].concat();
                    self.resolve(&full, crates, depth + 1)
                })
                .collect();
            if crates.contains(first) && imported.iter().any(|import| import.first() == Some(first))
            {
                found.push(path.to_vec());
            }
            return found;
        }
        vec![path.to_vec()]
    }

    fn within(&mut self, attributes: &[syn::Attribute], visit: impl FnOnce(&mut Reader)) {
        let is_test = attributes.iter().any(is_for_tests);
        self.depth += usize::from(is_test);
        visit(self);
        self.depth -= usize::from(is_test);
    }
}

fn words(path: &syn::Path) -> Vec<String> {
    let segments = path.segments.iter();
    segments.map(|part| part.ident.to_string()).collect()
}

fn is_for_tests(attribute: &syn::Attribute) -> bool {
    if attribute.path().is_ident("test") {
        return true;
    }
    let syn::Meta::List(list) = &attribute.meta else {
        return false;
    };
    let words = list.tokens.to_string();
    list.path.is_ident("cfg") && words.contains("test") && !words.contains("not")
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.within(&item.attrs, |reader| reader.tree(&[], &item.tree));
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let path = vec![item.ident.to_string()];
        let renamed = item.rename.as_ref().map(|(_, name)| name.to_string());
        self.import(renamed.unwrap_or_default(), path.clone());
        self.name(path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.within(&item.attrs, |reader| {
            let mut path = reader.module.clone();
            path.push(item.ident.to_string());
            reader.import(item.ident.to_string(), path.clone());
            let outer = std::mem::replace(&mut reader.module, path);
            visit::visit_item_mod(reader, item);
            reader.module = outer;
        });
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.within(&item.attrs, |reader| visit::visit_item_fn(reader, item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.within(&item.attrs, |reader| visit::visit_item_impl(reader, item));
    }

    /// `type F = File;` is another name of a file.
    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        if let syn::Type::Path(kind) = &*item.ty {
            self.import(item.ident.to_string(), words(&kind.path));
        }
        visit::visit_item_type(self, item);
    }

    /// `<File>::create`.
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(syn::Type::Path(kind)) = path.qself.as_ref().map(|own| &*own.ty) {
            self.name([words(&kind.path), words(&path.path)].concat());
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.name(words(path));
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        match &attribute.meta {
            syn::Meta::Path(_) => {}
            // Another file as this module: nothing here says whose floor it is on.
            syn::Meta::NameValue(pair) if pair.path.is_ident("path") => {
                self.name(vec!["#[path]".to_owned()]);
            }
            syn::Meta::NameValue(pair) => self.visit_expr(&pair.value),
            syn::Meta::List(list) => self.tokens(list.tokens.clone(), &[]),
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.is_ident("include") {
            self.name(vec!["include!".to_owned()]);
        }
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone(), &[]);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        let is_true = call.args.iter().any(|argument| {
            matches!(argument, syn::Expr::Lit(literal)
                if matches!(&literal.lit, syn::Lit::Bool(value) if value.value))
        });
        let called = if is_true {
            format!("{name}(true)")
        } else {
            name
        };
        self.methods.insert((called, self.depth > 0));
        visit::visit_expr_method_call(self, call);
    }
}
