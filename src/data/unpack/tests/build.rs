//! Archives byte by byte: the tools refuse to make most of these.

use std::io::Write;

use flate2::{Compression, Crc, write::DeflateEncoder, write::GzEncoder};

/// A tar archive in the making.
#[derive(Clone, Default)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    pub fn entry(self, name: &[u8], kind: u8, body: &[u8]) -> Self {
        self.block(header(name, kind, body.len() as u64)).body(body)
    }

    pub fn file(self, name: &str, body: &[u8]) -> Self {
        self.entry(name.as_bytes(), b'0', body)
    }

    pub fn block(mut self, header: [u8; 512]) -> Self {
        self.0.extend(header);
        self
    }

    pub fn body(mut self, body: &[u8]) -> Self {
        self.0.extend(body);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn pax(self, kind: u8, records: &[(&str, &str)]) -> Self {
        let body: String = records.iter().map(|(key, value)| pax_record(key, value)).collect();
        self.entry(b"PaxHeaders/x", kind, body.as_bytes())
    }

    pub fn long_name(self, name: &[u8]) -> Self {
        self.entry(b"././@LongLink", b'L', name)
    }

    /// The end mark, filled up to a record as tar does it.
    pub fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0.resize(self.0.len().next_multiple_of(10_240), 0);
        self.0
    }
}

pub fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let length = (rest.len()..).find(|length| length.to_string().len() + rest.len() == *length).unwrap();
    format!("{length}{rest}")
}

pub fn header(name: &[u8], kind: u8, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0006755\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    summed(block)
}

/// The header with its checksum made right again.
pub fn summed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// As the command line tool does it, with a checksum.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One entry of a zip archive; what its two headers say can be made to differ.
#[derive(Clone)]
pub struct ZipEntry {
    pub local_name: Vec<u8>,
    pub central_name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub local_method: u16,
    pub crc: u32,
    pub data: Vec<u8>,
    pub bytes: u32,
    pub mode: u32,
    pub extra: Vec<u8>,
    pub offset: Option<u32>,
}

impl ZipEntry {
    pub fn new(name: &str, body: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(body);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).unwrap();
        Self {
            local_name: name.into(),
            central_name: name.into(),
            flags: 0,
            method: 8,
            local_method: 8,
            crc: crc.sum(),
            data: encoder.finish().unwrap(),
            bytes: body.len() as u32,
            mode: 0o100_644,
            extra: Vec::new(),
            offset: None,
        }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn numbers(&self) -> Vec<u8> {
        [self.crc, self.data.len() as u32, self.bytes].into_iter().flat_map(u32::to_le_bytes).collect()
    }
}

pub fn zip(entries: &[ZipEntry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = entry.offset.unwrap_or(bytes.len() as u32);
        let short = |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        bytes.extend(b"PK\x03\x04");
        bytes.extend(short(&[20, entry.flags, entry.local_method, 0, 0]));
        bytes.extend(entry.numbers());
        bytes.extend(short(&[entry.local_name.len() as u16, 0]));
        bytes.extend(&entry.local_name);
        bytes.extend(&entry.data);
        directory.extend(b"PK\x01\x02");
        directory.extend(short(&[0x031e, 20, entry.flags, entry.method, 0, 0]));
        directory.extend(entry.numbers());
        directory.extend(short(&[entry.central_name.len() as u16, entry.extra.len() as u16, 0, 0, 0]));
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.central_name);
        directory.extend(&entry.extra);
    }
    let (at, length, count) = (bytes.len() as u32, directory.len() as u32, entries.len() as u16);
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].into_iter().flat_map(u16::to_le_bytes));
    bytes.extend([length, at].into_iter().flat_map(u32::to_le_bytes));
    bytes.extend([0, 0]);
    bytes
}
