//! The steps of a pickle, by their bytes. All have names, so that one that is refused can be named.

/// A step that plain data needs, by its name in Python's `pickletools`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// The version of the format.
    Proto,
    /// A block of steps, by its length.
    Frame,
    /// The end; the top of the stack is the result.
    Stop,
    /// Where the items of a collection begin.
    Mark,
    /// Nothing.
    None,
    /// True.
    True,
    /// False.
    False,
    /// A whole number of 4 bytes with a sign.
    BinInt,
    /// A whole number of 1 byte.
    BinInt1,
    /// A whole number of 2 bytes.
    BinInt2,
    /// A whole number of so many bytes.
    Long1,
    /// A float of 8 bytes, the highest first.
    BinFloat,
    /// A text with a length of 4 bytes.
    BinUnicode,
    /// A text with a length of 1 byte.
    ShortBinUnicode,
    /// A text with a length of 8 bytes.
    BinUnicode8,
    /// Bytes with a length of 4 bytes.
    BinBytes,
    /// Bytes with a length of 1 byte.
    ShortBinBytes,
    /// Bytes with a length of 8 bytes.
    BinBytes8,
    /// A tuple of nothing.
    EmptyTuple,
    /// A tuple of all since the mark.
    Tuple,
    /// A tuple of the last one.
    Tuple1,
    /// A tuple of the last two.
    Tuple2,
    /// A tuple of the last three.
    Tuple3,
    /// A list of nothing.
    EmptyList,
    /// Adds the last one to a list.
    Append,
    /// Adds all since the mark to a list.
    Appends,
    /// A dict of nothing.
    EmptyDict,
    /// Adds a key and its value to a dict.
    SetItem,
    /// Adds all keys and values since the mark to a dict.
    SetItems,
    /// A set of nothing.
    EmptySet,
    /// Adds all since the mark to a set.
    AddItems,
    /// A frozen set of all since the mark.
    FrozenSet,
    /// What was remembered under a number of 1 byte.
    BinGet,
    /// What was remembered under a number of 4 bytes.
    LongBinGet,
    /// Remembers the top of the stack under a number of 1 byte.
    BinPut,
    /// Remembers the top of the stack under a number of 4 bytes.
    LongBinPut,
    /// Remembers the top of the stack under the next number.
    Memoize,
    /// A class or function by two lines of text.
    Global,
    /// A class or function by two texts of the stack.
    StackGlobal,
    /// Something outside of the file, by what identifies it.
    BinPersId,
    /// Calls a function.
    Reduce,
    /// Makes an object of a class.
    NewObj,
    /// Sets the state of an object.
    Build,
}

/// Those that are known.
const KNOWN: [(u8, Opcode, &str); 43] = [
    (0x80, Opcode::Proto, "PROTO"),
    (0x95, Opcode::Frame, "FRAME"),
    (b'.', Opcode::Stop, "STOP"),
    (b'(', Opcode::Mark, "MARK"),
    (b'N', Opcode::None, "NONE"),
    (0x88, Opcode::True, "NEWTRUE"),
    (0x89, Opcode::False, "NEWFALSE"),
    (b'J', Opcode::BinInt, "BININT"),
    (b'K', Opcode::BinInt1, "BININT1"),
    (b'M', Opcode::BinInt2, "BININT2"),
    (0x8a, Opcode::Long1, "LONG1"),
    (b'G', Opcode::BinFloat, "BINFLOAT"),
    (b'X', Opcode::BinUnicode, "BINUNICODE"),
    (0x8c, Opcode::ShortBinUnicode, "SHORT_BINUNICODE"),
    (0x8d, Opcode::BinUnicode8, "BINUNICODE8"),
    (b'B', Opcode::BinBytes, "BINBYTES"),
    (b'C', Opcode::ShortBinBytes, "SHORT_BINBYTES"),
    (0x8e, Opcode::BinBytes8, "BINBYTES8"),
    (b')', Opcode::EmptyTuple, "EMPTY_TUPLE"),
    (b't', Opcode::Tuple, "TUPLE"),
    (0x85, Opcode::Tuple1, "TUPLE1"),
    (0x86, Opcode::Tuple2, "TUPLE2"),
    (0x87, Opcode::Tuple3, "TUPLE3"),
    (b']', Opcode::EmptyList, "EMPTY_LIST"),
    (b'a', Opcode::Append, "APPEND"),
    (b'e', Opcode::Appends, "APPENDS"),
    (b'}', Opcode::EmptyDict, "EMPTY_DICT"),
    (b's', Opcode::SetItem, "SETITEM"),
    (b'u', Opcode::SetItems, "SETITEMS"),
    (0x8f, Opcode::EmptySet, "EMPTY_SET"),
    (0x90, Opcode::AddItems, "ADDITEMS"),
    (0x91, Opcode::FrozenSet, "FROZENSET"),
    (b'h', Opcode::BinGet, "BINGET"),
    (b'j', Opcode::LongBinGet, "LONG_BINGET"),
    (b'q', Opcode::BinPut, "BINPUT"),
    (b'r', Opcode::LongBinPut, "LONG_BINPUT"),
    (0x94, Opcode::Memoize, "MEMOIZE"),
    (b'c', Opcode::Global, "GLOBAL"),
    (0x93, Opcode::StackGlobal, "STACK_GLOBAL"),
    (b'Q', Opcode::BinPersId, "BINPERSID"),
    (b'R', Opcode::Reduce, "REDUCE"),
    (0x81, Opcode::NewObj, "NEWOBJ"),
    (b'b', Opcode::Build, "BUILD"),
];

/// Those that are refused, by the names of Python's `pickletools`.
const REFUSED: [(u8, &str); 25] = [
    (b'I', "INT"),
    (b'L', "LONG"),
    (0x8b, "LONG4"),
    (b'S', "STRING"),
    (b'T', "BINSTRING"),
    (b'U', "SHORT_BINSTRING"),
    (0x96, "BYTEARRAY8"),
    (0x97, "NEXT_BUFFER"),
    (0x98, "READONLY_BUFFER"),
    (b'V', "UNICODE"),
    (b'F', "FLOAT"),
    (b'l', "LIST"),
    (b'd', "DICT"),
    (b'0', "POP"),
    (b'2', "DUP"),
    (b'1', "POP_MARK"),
    (b'g', "GET"),
    (b'p', "PUT"),
    (0x82, "EXT1"),
    (0x83, "EXT2"),
    (0x84, "EXT4"),
    (b'i', "INST"),
    (b'o', "OBJ"),
    (0x92, "NEWOBJ_EX"),
    (b'P', "PERSID"),
];

impl Opcode {
    /// The step of this byte.
    ///
    /// # Errors
    /// The name of a step that no plain data needs.
    pub fn of(byte: u8) -> Result<Self, String> {
        if let Some((_, opcode, _)) = KNOWN.iter().find(|(known, ..)| *known == byte) {
            return Ok(*opcode);
        }
        let name = REFUSED.iter().find(|(known, _)| *known == byte);
        Err(name.map_or_else(|| format!("{byte:#04x}"), |(_, name)| (*name).to_owned()))
    }

    /// Its name in Python's `pickletools`.
    #[must_use]
    pub fn name(self) -> &'static str {
        KNOWN.iter().find(|(_, known, _)| *known == self).map_or("", |(.., name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_known_once_or_refused_by_its_name() {
        let mut bytes: Vec<u8> = KNOWN.iter().map(|(byte, ..)| *byte).chain(REFUSED.map(|(byte, _)| byte)).collect();
        bytes.sort_unstable();
        assert!(bytes.windows(2).all(|pair| pair[0] < pair[1]), "{bytes:?}");
        assert_eq!(bytes.len(), 68, "as many as pickletools lists");
        assert_eq!(Opcode::of(b'i'), Err("INST".to_owned()));
        assert_eq!(Opcode::of(0xff), Err("0xff".to_owned()));
        assert_eq!((Opcode::Global.name(), Opcode::None.name()), ("GLOBAL", "NONE"));
    }
}
