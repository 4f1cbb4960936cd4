//! The steps of a pickle, one after the other, over a stack: the object that is left at the end, and all others that it needs.

use std::collections::HashMap;

use super::global::{Global, storage};
use super::object::{Id, Object, Objects};
use crate::nn::weights::pickle::{Bytes, Opcode};

/// The last version of the format, since Python 3.8.
const LAST_VERSION: u8 = 5;

/// The most objects on the stack, and the most that are kept for later.
const MOST_KEPT: usize = 1 << 22;

/// How deep groups may be inside of each other.
const DEEPEST: usize = 1000;

/// Runs a pickle: its objects, and which of them it is of.
///
/// # Errors
/// What is unknown or wrong, and at which byte.
pub(super) fn unpickle(bytes: &[u8]) -> Result<(Objects<'_>, Id), String> {
    let mut machine = Machine {
        bytes: Bytes::new(bytes),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        objects: Objects::default(),
    };
    loop {
        let at = machine.bytes.at;
        match machine.step() {
            Ok(None) => {}
            Ok(Some(root)) => return Ok((machine.objects, root)),
            Err(problem) => return Err(format!("{problem} (byte {at} of data.pkl)")),
        }
    }
}

struct Machine<'a> {
    bytes: Bytes<'a>,
    stack: Vec<Id>,
    /// Where on the stack groups begin.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    objects: Objects<'a>,
}

impl<'a> Machine<'a> {
    /// One step; the result, if it was the last one.
    fn step(&mut self) -> Result<Option<Id>, String> {
        let opcode = Opcode::of(self.bytes.byte()?)
            .map_err(|name| format!("the opcode {name} is refused: torch.save does not write it for weights"))?;
        match opcode {
            Opcode::Stop => return self.pop().map(Some),
            Opcode::Proto => self.version()?,
            Opcode::Frame => drop(self.bytes.number(8)?),
            Opcode::Mark => self.mark()?,
            Opcode::BinGet => self.recall(1)?,
            Opcode::LongBinGet => self.recall(4)?,
            Opcode::BinPut | Opcode::LongBinPut => {
                let number = self.bytes.number(if opcode == Opcode::BinPut { 1 } else { 4 })?;
                self.keep(number)?;
            }
            Opcode::Memoize => self.keep(self.memo.len() as u64)?,
            Opcode::Append | Opcode::Appends | Opcode::AddItems => self.append(opcode == Opcode::Append)?,
            Opcode::SetItem | Opcode::SetItems => self.set_items(opcode == Opcode::SetItem)?,
            Opcode::Build => self.build()?,
            other => {
                let object = self.make(other)?;
                self.push(object)?;
            }
        }
        Ok(None)
    }

    /// The object that a step makes.
    fn make(&mut self, opcode: Opcode) -> Result<Object<'a>, String> {
        let bytes = &mut self.bytes;
        Ok(match opcode {
            Opcode::True => Object::Bool(true),
            Opcode::False => Object::Bool(false),
            Opcode::BinInt => Object::Integer((bytes.number(4)? as u32 as i32).into()),
            Opcode::BinInt1 => Object::Integer(bytes.number(1)? as i64),
            Opcode::BinInt2 => Object::Integer(bytes.number(2)? as i64),
            Opcode::Long1 => bytes.long()?.map_or(Object::Opaque, Object::Integer),
            // The one number that is not little-endian.
            Opcode::BinFloat => Object::Float(f64::from_bits(bytes.number(8)?.swap_bytes())),
            Opcode::BinUnicode => Object::Text(bytes.text(4)?),
            Opcode::ShortBinUnicode => Object::Text(bytes.text(1)?),
            Opcode::BinUnicode8 => Object::Text(bytes.text(8)?),
            Opcode::BinBytes => bytes.counted(4).map(|_| Object::Bytes)?,
            Opcode::ShortBinBytes => bytes.counted(1).map(|_| Object::Bytes)?,
            Opcode::BinBytes8 => bytes.counted(8).map(|_| Object::Bytes)?,
            Opcode::EmptyTuple => Object::Tuple(Vec::new()),
            Opcode::Tuple => Object::Tuple(self.group()?),
            Opcode::Tuple1 => Object::Tuple(self.last(1)?),
            Opcode::Tuple2 => Object::Tuple(self.last(2)?),
            Opcode::Tuple3 => Object::Tuple(self.last(3)?),
            Opcode::EmptyList | Opcode::EmptySet => Object::List(Vec::new()),
            Opcode::FrozenSet => Object::List(self.group()?),
            Opcode::EmptyDict => Object::Dict(Vec::new()),
            Opcode::Global => Object::Global(Global::of(bytes.line()?, bytes.line()?)?),
            Opcode::StackGlobal => {
                let [module, name] = self.pair()?;
                Object::Global(Global::of(self.objects.text(module)?, self.objects.text(name)?)?)
            }
            Opcode::BinPersId => {
                let identity = self.pop()?;
                Object::Storage(storage(identity, &self.objects)?)
            }
            Opcode::Reduce | Opcode::NewObj => self.call()?,
            _ => Object::None,
        })
    }

    fn call(&mut self) -> Result<Object<'a>, String> {
        let [what, arguments] = self.pair()?;
        match self.objects.get(what) {
            Object::Global(global) => global.call(self.objects.items(arguments)?, &self.objects),
            other => Err(format!("{} is called", other.name())),
        }
    }

    fn version(&mut self) -> Result<(), String> {
        match self.bytes.byte()? {
            2..=LAST_VERSION => Ok(()),
            other => Err(format!("the pickle has version {other}, expected 2 to {LAST_VERSION}")),
        }
    }

    fn append(&mut self, is_one: bool) -> Result<(), String> {
        let new = if is_one { self.last(1)? } else { self.group()? };
        let list = self.top()?;
        match self.objects.get_mut(list) {
            Object::List(items) => items.extend(new),
            other => return Err(format!("items are added to {}, expected a list", other.name())),
        }
        Ok(())
    }

    fn set_items(&mut self, is_one: bool) -> Result<(), String> {
        let new = if is_one { self.last(2)? } else { self.group()? };
        if new.len() % 2 != 0 {
            return Err("a key of a dict has no value".into());
        }
        let dict = self.top()?;
        match self.objects.get_mut(dict) {
            Object::Dict(entries) => entries.extend(new.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            other => return Err(format!("entries are added to {}, expected a dict", other.name())),
        }
        Ok(())
    }

    /// Attributes of an object. A state dict has some of no use here, and so have scalars of numpy.
    fn build(&mut self) -> Result<(), String> {
        self.pop()?;
        match self.objects.get(self.top()?) {
            Object::Dict(_) | Object::Opaque => Ok(()),
            other => Err(format!("{} is given attributes", other.name())),
        }
    }

    fn keep(&mut self, number: u64) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(number, top);
        limited(self.memo.len(), MOST_KEPT)
    }

    fn recall(&mut self, width: u64) -> Result<(), String> {
        let number = self.bytes.number(width)?;
        let id = self.memo.get(&number).ok_or_else(|| format!("object {number} is used and was never kept"))?;
        self.stack.push(*id);
        limited(self.stack.len(), MOST_KEPT)
    }

    fn mark(&mut self) -> Result<(), String> {
        self.marks.push(self.stack.len());
        limited(self.marks.len(), DEEPEST)
    }

    fn push(&mut self, object: Object<'a>) -> Result<(), String> {
        let id = self.objects.add(object)?;
        self.stack.push(id);
        Ok(())
    }

    /// Where the current group begins: nothing below it can be taken.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, String> {
        self.stack[self.floor().min(self.stack.len())..].last().copied().ok_or_else(|| "the stack is empty".into())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pair(&mut self) -> Result<[Id; 2], String> {
        let second = self.pop()?;
        Ok([self.pop()?, second])
    }

    fn last(&mut self, count: usize) -> Result<Vec<Id>, String> {
        let from = self.stack.len().checked_sub(count).filter(|from| *from >= self.floor());
        Ok(self.stack.split_off(from.ok_or("the stack is empty")?))
    }

    /// All since the last mark.
    fn group(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("a group ends that never began")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }
}

fn limited(count: usize, most: usize) -> Result<(), String> {
    if count <= most { Ok(()) } else { Err(format!("more than {most} objects wait for each other")) }
}
