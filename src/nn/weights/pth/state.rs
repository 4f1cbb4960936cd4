//! The state dict in a file: all of it, or one of its entries, beside what the trainer kept there.

use serde_json::{Map, Value};

use super::archive::Archive;
use super::global::shown;
use super::object::{Id, Object, Objects};
use super::view::View;
use crate::nn::weights::NamedArray;

/// The names of state dicts that are an entry of their file.
const ENTRIES: [&str; 5] = ["model_state_dict", "state_dict", "model_state", "model", "net"];

/// Tensors may share storages, but not so often that a small file fills the memory.
const MOST_TIMES: usize = 8;
const ALWAYS_ALLOWED: usize = 1 << 20;

/// What a module keeps beside its tensors.
const EXTRA: &str = "_extra_state";

/// A state dict.
pub(super) struct State<'a> {
    tensors: Vec<(&'a str, View<'a>)>,
    /// The entries of the file beside it.
    others: Vec<(&'a str, Id)>,
}

impl<'a> State<'a> {
    /// Finds the state dict of a file.
    pub fn find(objects: &Objects<'a>, root: Id) -> Result<Self, String> {
        let Object::Dict(entries) = objects.get(root) else {
            return Err(format!("it holds {}, expected a state dict", objects.get(root).name()));
        };
        let named: Vec<(&str, Id)> =
            entries.iter().filter_map(|(key, id)| Some((objects.text(*key).ok()?, *id))).collect();
        let entry = |name: &&str| named.iter().rev().find(|(known, _)| known == name).map(|(_, id)| *id);
        let is_dict = |id: &Id| matches!(objects.get(*id), Object::Dict(_));
        if let Some((name, id)) = ENTRIES.iter().find_map(|name| Some((*name, entry(name).filter(is_dict)?))) {
            let others = named.iter().filter(|(known, _)| *known != name).copied().collect();
            return Ok(Self { tensors: tensors(objects, id)?, others });
        }
        if named.iter().any(|(_, id)| matches!(objects.get(*id), Object::Tensor(_))) {
            return Ok(Self { tensors: tensors(objects, root)?, others: Vec::new() });
        }
        let names: Vec<String> = named.iter().take(8).map(|(name, _)| shown(name)).collect();
        let found = if names.is_empty() { "nothing".into() } else { names.join(", ") };
        Err(format!("it holds {found}, expected a state dict, or one under {}", ENTRIES[..3].join(", ")))
    }

    pub fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        self.tensors.iter().map(|(name, view)| ((*name).to_owned(), view.shape().to_vec())).collect()
    }

    /// The tensors with their numbers.
    pub fn arrays(&self, archive: &Archive<'_>) -> Result<Vec<NamedArray>, String> {
        let wanted = self.tensors.iter().try_fold(0_usize, |sum, (_, view)| sum.checked_add(view.bytes()));
        let most = archive.bytes().saturating_mul(MOST_TIMES).saturating_add(ALWAYS_ALLOWED);
        if wanted.is_none_or(|wanted| wanted > most) {
            return Err(format!("its tensors have more than {MOST_TIMES} times as many bytes as the file"));
        }
        let array = |(name, view): &(&str, View<'_>)| {
            let bytes = view.numbers(archive).map_err(|problem| format!("{}: {problem}", shown(name)))?;
            Ok(NamedArray { name: (*name).to_owned(), dtype: view.dtype(), shape: view.shape().to_vec(), bytes })
        };
        self.tensors.iter().map(array).collect()
    }

    /// What is beside the state dict and is plain data.
    pub fn beside(&self, objects: &Objects<'a>) -> Map<String, Value> {
        self.others.iter().filter_map(|(name, id)| Some(((*name).to_owned(), objects.json(*id)?))).collect()
    }
}

fn tensors<'a>(objects: &Objects<'a>, id: Id) -> Result<Vec<(&'a str, View<'a>)>, String> {
    let Object::Dict(entries) = objects.get(id) else { return Ok(Vec::new()) };
    let mut found: Vec<(&str, View<'_>)> = Vec::new();
    for (key, value) in entries {
        let name = objects.text(*key).map_err(|problem| format!("the name of a tensor: {problem}"))?;
        match objects.get(*value) {
            Object::Tensor(view) => found.push((name, view.clone())),
            _ if name.ends_with(EXTRA) => {}
            other => return Err(format!("{} is {}, expected a tensor", shown(name), other.name())),
        }
    }
    let mut names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("two tensors have the name {}", shown(pair[0]))),
        None if found.is_empty() => Err("its state dict is empty".into()),
        None => Ok(found),
    }
}
