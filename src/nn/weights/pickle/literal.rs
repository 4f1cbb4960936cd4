//! Numbers and texts as they are in a pickle.

/// A pickle that is read from its beginning.
pub struct Bytes<'a> {
    all: &'a [u8],
    /// Where the next byte is.
    pub at: usize,
}

impl<'a> Bytes<'a> {
    /// From the first byte.
    #[must_use]
    pub fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// So many bytes.
    ///
    /// # Errors
    /// If the pickle is cut off.
    pub fn take(&mut self, count: u64) -> Result<&'a [u8], String> {
        let rest = &self.all[self.at..];
        let count = usize::try_from(count).ok().filter(|count| *count <= rest.len());
        let count = count.ok_or("it is cut off")?;
        self.at += count;
        Ok(&rest[..count])
    }

    /// One byte.
    ///
    /// # Errors
    /// If the pickle is cut off.
    pub fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A number of so many bytes, little-endian.
    ///
    /// # Errors
    /// If the pickle is cut off.
    pub fn number(&mut self, width: u64) -> Result<u64, String> {
        Ok(self.take(width)?.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    /// Bytes behind their count, which has so many bytes.
    ///
    /// # Errors
    /// If the pickle is cut off.
    pub fn counted(&mut self, width: u64) -> Result<&'a [u8], String> {
        let count = self.number(width)?;
        self.take(count)
    }

    /// Text behind its length, which has so many bytes.
    ///
    /// # Errors
    /// If the pickle is cut off, or it is not UTF-8.
    pub fn text(&mut self, width: u64) -> Result<&'a str, String> {
        std::str::from_utf8(self.counted(width)?).map_err(|_| "a text is not UTF-8".into())
    }

    /// Text up to the end of the line.
    ///
    /// # Errors
    /// If the pickle is cut off, or it is not UTF-8.
    pub fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.all[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or("it is cut off")?;
        let line = self.take(length as u64 + 1)?;
        std::str::from_utf8(&line[..length]).map_err(|_| "a name is not UTF-8".into())
    }

    /// A whole number with a sign and as many bytes as it needs; none for one that 64 bits can't hold.
    ///
    /// # Errors
    /// If the pickle is cut off.
    pub fn long(&mut self) -> Result<Option<i64>, String> {
        let bytes = self.counted(1)?;
        let Some(last) = bytes.last() else { return Ok(Some(0)) };
        let mut value = [if last & 0x80 == 0 { 0 } else { 0xff }; 8];
        Ok((bytes.len() <= 8).then(|| {
            value[..bytes.len()].copy_from_slice(bytes);
            i64::from_le_bytes(value)
        }))
    }
}
