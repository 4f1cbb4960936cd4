//! Python objects as PyTorch writes them: version 2 of the pickle protocol, and of it only what `torch.load` lets through
//! with `weights_only=True`. Nothing here can run code when it is read.

use serde_json::Value;

use super::Weight;
use crate::nn::parameters::Numbers;

/// Objects under construction. Each call appends one.
#[derive(Default)]
pub(super) struct Pickle(Vec<u8>);

impl Pickle {
    pub fn new() -> Self {
        Self(b"\x80\x02".to_vec())
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.0.push(b'.');
        self.0
    }

    pub fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    pub fn integer(&mut self, value: i64) {
        match i32::try_from(value) {
            Ok(value) => {
                self.0.push(b'J');
                self.0.extend(value.to_le_bytes());
            }
            Err(_) => {
                self.0.extend(b"\x8a\x08");
                self.0.extend(value.to_le_bytes());
            }
        }
    }

    pub fn float(&mut self, value: f64) {
        self.0.push(b'G');
        self.0.extend(value.to_be_bytes());
    }

    pub fn flag(&mut self, value: bool) {
        self.0.push(if value { b'\x88' } else { b'\x89' });
    }

    /// An ordered dictionary, which PyTorch knows parameters in.
    pub fn ordered(&mut self, entries: impl FnOnce(&mut Self)) {
        self.global("collections", "OrderedDict");
        self.0.extend(b")R");
        self.0.push(b'(');
        entries(self);
        self.0.push(b'u');
    }

    /// A plain dictionary.
    pub fn dictionary(&mut self, entries: impl FnOnce(&mut Self)) {
        self.0.extend(b"}(");
        entries(self);
        self.0.push(b'u');
    }

    /// A value of JSON as Python has it.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.push(b'N'),
            Value::Bool(flag) => self.flag(*flag),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => self.integer(integer),
                None => self.float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.0.extend(b"](");
                items.iter().for_each(|item| self.value(item));
                self.0.push(b'e');
            }
            Value::Object(fields) => self.dictionary(|entries| {
                for (name, value) in fields {
                    entries.text(name);
                    entries.value(value);
                }
            }),
        }
    }

    /// Starts an object of a class of the archive; names and values of its attributes follow.
    pub fn begin(&mut self, class: &str) {
        self.global("__torch__", class);
        self.0.extend(b")\x81}(");
    }

    /// Ends it.
    pub fn end(&mut self) {
        self.0.extend(b"ub");
    }

    /// A tensor over the numbers in `data/{index}`.
    pub fn tensor(&mut self, weight: &Weight, index: usize, learns: bool) {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.tuple(|arguments| {
            arguments.tuple(|storage| {
                storage.text("storage");
                storage.global("torch", storage_type(weight.numbers));
                storage.text(&index.to_string());
                storage.text("cpu");
                storage.integer(weight.shape.iter().product::<usize>() as i64);
            });
            arguments.0.push(b'Q');
            arguments.integer(0);
            arguments.tuple(|sizes| weight.shape.iter().for_each(|size| sizes.integer(*size as i64)));
            arguments.tuple(|steps| strides(&weight.shape).into_iter().for_each(|step| steps.integer(step)));
            arguments.flag(learns);
            arguments.global("collections", "OrderedDict");
            arguments.0.extend(b")R");
        });
        self.0.push(b'R');
    }

    fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").as_bytes());
    }

    fn tuple(&mut self, items: impl FnOnce(&mut Self)) {
        self.0.push(b'(');
        items(self);
        self.0.push(b't');
    }
}

fn storage_type(numbers: Numbers) -> &'static str {
    match numbers {
        Numbers::Float => "FloatStorage",
        Numbers::Whole => "LongStorage",
    }
}

/// The stride of each dimension, in numbers.
fn strides(shape: &[usize]) -> Vec<i64> {
    let after = |dimension: usize| shape[dimension + 1..].iter().product::<usize>() as i64;
    (0..shape.len()).map(after).collect()
}
