//! The steps of a pickle, by their bytes. All have names, so that one that is refused can be named.

/// A step that plain data needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Proto,
    Frame,
    Stop,
    Mark,
    None,
    True,
    False,
    BinInt,
    BinInt1,
    BinInt2,
    Long1,
    BinFloat,
    BinUnicode,
    ShortBinUnicode,
    BinUnicode8,
    BinBytes,
    ShortBinBytes,
    BinBytes8,
    EmptyTuple,
    Tuple,
    Tuple1,
    Tuple2,
    Tuple3,
    EmptyList,
    Append,
    Appends,
    EmptyDict,
    SetItem,
    SetItems,
    EmptySet,
    AddItems,
    FrozenSet,
    BinGet,
    LongBinGet,
    BinPut,
    LongBinPut,
    Memoize,
    Global,
    StackGlobal,
    BinPersId,
    Reduce,
    NewObj,
    Build,
}

/// Those that are known.
const KNOWN: [(u8, Opcode); 43] = [
    (0x80, Opcode::Proto),
    (0x95, Opcode::Frame),
    (b'.', Opcode::Stop),
    (b'(', Opcode::Mark),
    (b'N', Opcode::None),
    (0x88, Opcode::True),
    (0x89, Opcode::False),
    (b'J', Opcode::BinInt),
    (b'K', Opcode::BinInt1),
    (b'M', Opcode::BinInt2),
    (0x8a, Opcode::Long1),
    (b'G', Opcode::BinFloat),
    (b'X', Opcode::BinUnicode),
    (0x8c, Opcode::ShortBinUnicode),
    (0x8d, Opcode::BinUnicode8),
    (b'B', Opcode::BinBytes),
    (b'C', Opcode::ShortBinBytes),
    (0x8e, Opcode::BinBytes8),
    (b')', Opcode::EmptyTuple),
    (b't', Opcode::Tuple),
    (0x85, Opcode::Tuple1),
    (0x86, Opcode::Tuple2),
    (0x87, Opcode::Tuple3),
    (b']', Opcode::EmptyList),
    (b'a', Opcode::Append),
    (b'e', Opcode::Appends),
    (b'}', Opcode::EmptyDict),
    (b's', Opcode::SetItem),
    (b'u', Opcode::SetItems),
    (0x8f, Opcode::EmptySet),
    (0x90, Opcode::AddItems),
    (0x91, Opcode::FrozenSet),
    (b'h', Opcode::BinGet),
    (b'j', Opcode::LongBinGet),
    (b'q', Opcode::BinPut),
    (b'r', Opcode::LongBinPut),
    (0x94, Opcode::Memoize),
    (b'c', Opcode::Global),
    (0x93, Opcode::StackGlobal),
    (b'Q', Opcode::BinPersId),
    (b'R', Opcode::Reduce),
    (0x81, Opcode::NewObj),
    (b'b', Opcode::Build),
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
    pub fn of(byte: u8) -> Result<Self, String> {
        if let Some((_, opcode)) = KNOWN.iter().find(|(known, _)| *known == byte) {
            return Ok(*opcode);
        }
        let name = REFUSED.iter().find(|(known, _)| *known == byte);
        let name = name.map_or_else(|| format!("{byte:#04x}"), |(_, name)| (*name).to_owned());
        Err(format!("the opcode {name} is refused: torch.save does not write it for weights"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_known_once_or_refused_by_its_name() {
        let mut bytes: Vec<u8> = KNOWN.iter().map(|(byte, _)| *byte).chain(REFUSED.map(|(byte, _)| byte)).collect();
        bytes.sort_unstable();
        assert!(bytes.windows(2).all(|pair| pair[0] < pair[1]), "{bytes:?}");
        assert_eq!(bytes.len(), 68, "as many as pickletools lists");
        assert!(Opcode::of(b'i').unwrap_err().contains("the opcode INST is refused"));
        assert!(Opcode::of(0xff).unwrap_err().contains("the opcode 0xff is refused"));
    }
}
