//! The zip file that PyTorch keeps tensors in: nothing is compressed, and what is in it begins at a multiple of 64 bytes, so
//! that it can be mapped into memory. The same content gives the same bytes. Not for files of 4 GB and more: those need the
//! format's extensions.

use std::io::{self, Write};

/// Where content begins, as `torch.save` has it.
const ALIGNMENT: u64 = 64;

/// 1980-01-01, the first day that the format knows, and midnight: no file depends on when it was written.
const DATE: u16 = 0x21;

/// Names are UTF-8.
const UTF8: u16 = 0x0800;

/// The version of the format that is needed to read it.
const VERSION: u16 = 20;

/// A zip file in the making.
pub struct Archive<'a> {
    out: &'a mut dyn Write,
    /// The folder that contains everything in it.
    root: &'static str,
    written: u64,
    directory: Vec<u8>,
    entries: u16,
}

impl<'a> Archive<'a> {
    /// An archive with everything below this folder; without one if its name is empty.
    pub fn new(out: &'a mut dyn Write, root: &'static str) -> Self {
        Self { out, root, written: 0, directory: Vec::new(), entries: 0 }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// If it can't be written, or the archive would have more than 4 GB.
    pub fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let name = if self.root.is_empty() { name.to_owned() } else { format!("{}/{name}", self.root) };
        let (length, start) = (small(content.len() as u64)?, small(self.written)?);
        let mut checksum = flate2::Crc::new();
        checksum.update(content);
        // What the header in front and the one in the directory have in common.
        let mut facts = Vec::new();
        [VERSION, UTF8, 0, 0, DATE].iter().for_each(|value| facts.extend(value.to_le_bytes()));
        [checksum.sum(), length, length].iter().for_each(|value| facts.extend(value.to_le_bytes()));
        facts.extend((name.len() as u16).to_le_bytes());

        let padding = self.padding(&name);
        let header = [&b"PK\x03\x04"[..], &facts[..], &(padding.len() as u16).to_le_bytes(), name.as_bytes(), &padding];
        let header = header.concat();
        self.out.write_all(&header)?;
        self.out.write_all(content)?;
        self.written += (header.len() + content.len()) as u64;

        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(VERSION.to_le_bytes());
        self.directory.extend(facts);
        // No extra field, comment, further disk or attributes.
        self.directory.extend([0; 12]);
        self.directory.extend(start.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.entries += 1;
        Ok(())
    }

    /// An extra field that fills up to the alignment, with the mark that PyTorch gives its own.
    fn padding(&self, name: &str) -> Vec<u8> {
        let content = self.written + 30 + name.len() as u64 + 4;
        let missing = content.next_multiple_of(ALIGNMENT) - content;
        let mut padding = b"FB".to_vec();
        padding.extend((missing as u16).to_le_bytes());
        padding.resize(padding.len() + missing as usize, b'Z');
        padding
    }

    /// Writes the directory, without which nothing can be read.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn finish(self) -> io::Result<()> {
        let (length, start) = (small(self.directory.len() as u64)?, small(self.written)?);
        self.out.write_all(&self.directory)?;
        self.out.write_all(b"PK\x05\x06\0\0\0\0")?;
        [self.entries; 2].iter().try_for_each(|count| self.out.write_all(&count.to_le_bytes()))?;
        [length, start].iter().try_for_each(|value| self.out.write_all(&value.to_le_bytes()))?;
        self.out.write_all(&[0; 2])
    }
}

/// A length or a place in 32 bits.
fn small(value: u64) -> io::Result<u32> {
    u32::try_from(value).map_err(|_| io::Error::other("the archive would have more than 4 GB"))
}
