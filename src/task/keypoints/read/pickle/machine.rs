//! The steps of a pickle, one after the other, over a stack. Only those that lists, dicts, numbers and names need are known; any other is
//! refused by its name. Lists refer to each other by number, so that one may hold itself, and nothing recurses.

use crate::nn::weights::pickle::{Bytes, Opcode};

/// The versions of the format whose steps these are.
const VERSIONS: [u8; 2] = [4, 5];

/// Python appends a thousand items at once, and others rarely many more.
const DEEPEST_STACK: usize = 1 << 20;
const MOST_MARKS: usize = 1000;

/// A list or a dict takes at least so many bytes of the file, and so does an item; the first ones are free.
const BYTES_OF_A_LIST: usize = 8;
const BYTES_OF_AN_ITEM: usize = 2;
const ALWAYS_ALLOWED: usize = 1024;

/// The steps that would run something, or fetch it from elsewhere.
const RUNS_CODE: [Opcode; 6] =
    [Opcode::Global, Opcode::StackGlobal, Opcode::Reduce, Opcode::NewObj, Opcode::Build, Opcode::BinPersId];
const RUNS_CODE_TOO: [&str; 7] = ["INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID"];

/// What a step makes. Lists and dicts are numbers of [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    None,
    Number(f64),
    Text(&'a str),
    List(usize),
    Dict(usize),
}

impl Value<'_> {
    /// What it is, for messages.
    pub fn name(self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Number(number) => format!("the number {number}"),
            Self::Text(text) => format!("the text {:?}", shortened(text)),
            Self::List(_) => "a list".to_owned(),
            Self::Dict(_) => "a dict".to_owned(),
        }
    }
}

/// A name of a file without its end, if it is long.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// All lists and dicts of a pickle, and what is left at its end.
#[derive(Debug)]
pub(super) struct Heap<'a> {
    lists: Vec<Vec<Value<'a>>>,
    dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    pub root: Value<'a>,
}

impl<'a> Heap<'a> {
    pub fn list(&self, number: usize) -> &[Value<'a>] {
        &self.lists[number]
    }

    /// The entries of a dict; of two with the same key the last counts.
    pub fn dict(&self, number: usize) -> &[(Value<'a>, Value<'a>)] {
        &self.dicts[number]
    }
}

/// Runs a pickle.
///
/// # Errors
/// What is unknown or wrong, and at which byte, as a fragment that follows the name of the file.
pub(super) fn run(bytes: &[u8]) -> Result<Heap<'_>, String> {
    let mut machine = Machine {
        bytes: Bytes::new(bytes),
        length: bytes.len(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        items: 0,
        heap: Heap { lists: Vec::new(), dicts: Vec::new(), root: Value::None },
    };
    loop {
        let at = machine.bytes.at;
        match machine.step() {
            Ok(false) => {}
            Ok(true) => break,
            Err(problem) => return Err(format!("can't be read as a pickle of protocol 4: {problem} (byte {at})")),
        }
    }
    match bytes.len() - machine.bytes.at {
        0 => Ok(machine.heap),
        rest => Err(format!("has {rest} bytes behind the end of its pickle; expected one pickle in a file")),
    }
}

struct Machine<'a> {
    bytes: Bytes<'a>,
    length: usize,
    stack: Vec<Value<'a>>,
    /// Where on the stack groups begin.
    marks: Vec<usize>,
    memo: Vec<Value<'a>>,
    /// Items of all lists and dicts.
    items: usize,
    heap: Heap<'a>,
}

impl<'a> Machine<'a> {
    /// One step; whether it was the last one.
    fn step(&mut self) -> Result<bool, String> {
        let opcode = Opcode::of(self.bytes.byte()?).map_err(|name| refusal(&name))?;
        match opcode {
            Opcode::Stop => {
                self.heap.root = self.pop()?;
                return Ok(true);
            }
            Opcode::Proto => self.version()?,
            // Its length frames the file for readers of streams; the whole file is here.
            Opcode::Frame => drop(self.bytes.number(8)?),
            Opcode::Mark => self.mark()?,
            Opcode::Memoize => self.memo.push(self.top()?),
            Opcode::BinGet => self.recall(1)?,
            Opcode::LongBinGet => self.recall(4)?,
            Opcode::Append => self.append(1)?,
            Opcode::Appends => self.append_group()?,
            Opcode::SetItem => self.set_items(2)?,
            Opcode::SetItems => {
                let count = self.group()?;
                self.set_items(count)?;
            }
            other => {
                let value = self.make(other)?;
                self.push(value)?;
            }
        }
        Ok(false)
    }

    fn make(&mut self, opcode: Opcode) -> Result<Value<'a>, String> {
        let bytes = &mut self.bytes;
        Ok(match opcode {
            Opcode::None => Value::None,
            // The one number that is not little-endian.
            Opcode::BinFloat => Value::Number(f64::from_bits(bytes.number(8)?.swap_bytes())),
            Opcode::BinInt => Value::Number(f64::from(bytes.number(4)? as u32 as i32)),
            Opcode::BinInt1 => Value::Number(bytes.number(1)? as f64),
            Opcode::BinInt2 => Value::Number(bytes.number(2)? as f64),
            Opcode::ShortBinUnicode => Value::Text(bytes.text(1)?),
            Opcode::EmptyList => {
                self.heap.lists.push(Vec::new());
                self.limit_lists()?;
                Value::List(self.heap.lists.len() - 1)
            }
            Opcode::EmptyDict => {
                self.heap.dicts.push(Vec::new());
                self.limit_lists()?;
                Value::Dict(self.heap.dicts.len() - 1)
            }
            other => return Err(refusal(other.name())),
        })
    }

    fn version(&mut self) -> Result<(), String> {
        match self.bytes.byte()? {
            version if VERSIONS.contains(&version) => Ok(()),
            other => {
                Err(format!("has version {other} of the format; write it with pickle.dump(frames, file, protocol=4)"))
            }
        }
    }

    fn limit_lists(&self) -> Result<(), String> {
        let most = self.length / BYTES_OF_A_LIST + ALWAYS_ALLOWED;
        match self.heap.lists.len() + self.heap.dicts.len() <= most {
            true => Ok(()),
            false => {
                Err(format!("has more than {most} lists and dicts, which frames in a file of its size do not need"))
            }
        }
    }

    fn limit_items(&mut self, new: usize) -> Result<(), String> {
        self.items += new;
        let most = self.length / BYTES_OF_AN_ITEM + ALWAYS_ALLOWED;
        match self.items <= most {
            true => Ok(()),
            false => {
                Err(format!("has more than {most} items in its lists, which frames in a file of its size do not need"))
            }
        }
    }

    fn append_group(&mut self) -> Result<(), String> {
        let count = self.group()?;
        self.append(count)
    }

    fn append(&mut self, count: usize) -> Result<(), String> {
        self.limit_items(count)?;
        let from = self.below(count)?;
        let Some(Value::List(list)) = from.checked_sub(1).map(|place| self.stack[place]) else {
            return Err("appends to what is no list".to_owned());
        };
        self.heap.lists[list].extend(self.stack.drain(from..));
        Ok(())
    }

    fn set_items(&mut self, count: usize) -> Result<(), String> {
        if !count.is_multiple_of(2) {
            return Err("has a key of a dict without a value".to_owned());
        }
        self.limit_items(count)?;
        let from = self.below(count)?;
        let Some(Value::Dict(dict)) = from.checked_sub(1).map(|place| self.stack[place]) else {
            return Err("sets items of what is no dict".to_owned());
        };
        let new = self.stack[from..].as_chunks().0;
        self.heap.dicts[dict].extend(new.iter().map(|[key, value]| (*key, *value)));
        self.stack.truncate(from);
        Ok(())
    }

    fn recall(&mut self, width: u64) -> Result<(), String> {
        let number = self.bytes.number(width)?;
        let place = usize::try_from(number).ok();
        let value = place.and_then(|place| self.memo.get(place)).copied();
        self.push(value.ok_or_else(|| format!("uses object {number}, which was never kept"))?)
    }

    fn mark(&mut self) -> Result<(), String> {
        self.marks.push(self.stack.len());
        match self.marks.len() <= MOST_MARKS {
            true => Ok(()),
            false => Err(format!("nests more than {MOST_MARKS} groups")),
        }
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), String> {
        self.stack.push(value);
        match self.stack.len() <= DEEPEST_STACK {
            true => Ok(()),
            false => Err(format!("appends more than {DEEPEST_STACK} items at once")),
        }
    }

    /// Where the current group begins: nothing below it can be taken.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Value<'a>, String> {
        self.stack
            .get(self.floor()..)
            .and_then(<[_]>::last)
            .copied()
            .ok_or_else(|| "takes from an empty stack".to_owned())
    }

    fn pop(&mut self) -> Result<Value<'a>, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Where the last so many values begin.
    fn below(&self, count: usize) -> Result<usize, String> {
        let from = self.stack.len().checked_sub(count).filter(|from| *from >= self.floor());
        from.ok_or_else(|| "takes from an empty stack".to_owned())
    }

    /// How many values there are since the last mark, which ends.
    fn group(&mut self) -> Result<usize, String> {
        let mark = self.marks.pop().ok_or("ends a group that never began")?;
        Ok(self.stack.len().saturating_sub(mark))
    }
}

fn refusal(name: &str) -> String {
    let runs = RUNS_CODE.iter().any(|opcode| opcode.name() == name) || RUNS_CODE_TOO.contains(&name);
    match runs {
        true => format!(
            "uses the step {name}, which would run code and is refused; write lists, dicts, texts and numbers only (array.tolist())"
        ),
        false => format!("uses the step {name}, which is refused: lists of frames don't need it"),
    }
}
