//! Good archives that were cut, flipped or scrambled: refused, or unpacked to exactly what they held.

use rand::Rng;

use super::build::*;
use super::*;
use crate::util::seed;

/// A few files whose names and contents a reader could confuse.
fn tree() -> Vec<(String, Vec<u8>)> {
    let noise: Vec<u8> = (0..900_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    vec![("a/one.nc".into(), noise), ("a/two.nc".into(), vec![128; 2000]), ("b/three.nc".into(), b"short".to_vec())]
}

fn archives() -> [(&'static str, Vec<u8>); 3] {
    let tar = tree().iter().fold(Tar::default(), |tar, (name, body)| tar.file(name, body)).end();
    let entries: Vec<ZipEntry> = tree().iter().map(|(name, body)| ZipEntry::new(name, body)).collect();
    [("d.tar.gz", gzip(&tar)), ("d.tar.zst", zstd(&tar)), ("d.zip", zip(&entries))]
}

#[test]
fn a_cut_archive_is_refused_wherever_it_is_cut() {
    for (name, bytes) in archives() {
        for end in (0..bytes.len()).filter(|end| end % 3 == 0 || bytes.len() - end < 40) {
            refusal(&format!("{name} cut at {end}"), name, &bytes[..end], &Limits::default());
        }
    }
}

/// Bits that carry no content (times in headers, say) may flip; what is unpacked is then still the same.
#[test]
fn a_flipped_bit_is_found_or_changes_nothing() {
    for (name, bytes) in archives() {
        let mut taken = 0;
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            let bench = Bench::new(name, &flipped);
            match bench.unpack(&Limits::default()) {
                Ok(manifest) => {
                    assert_eq!(bench.files(&manifest), tree(), "{name}, byte {at}");
                    taken += 1;
                }
                Err(_) => bench.assert_untouched(&format!("{name}, byte {at}")),
            }
        }
        // gzip has 6 such bytes in its header, zip has times, versions and attributes in each of its headers.
        let harmless = if name == "d.zip" { 120 } else { 8 };
        assert!(taken <= harmless, "{name}: {taken} flipped bits were not found");
    }
}

/// Scrambles good archives: no panic, no file outside, nothing left on failure. `FRAGUA_FUZZ_CASES` asks for more.
#[test]
fn a_scrambled_archive_never_escapes() {
    let cases = std::env::var("FRAGUA_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let tar = tree().iter().fold(Tar::default().pax(b'g', &[("comment", "c")]), |tar, (name, body)| {
        tar.pax(b'x', &[("path", name), ("size", &body.len().to_string())]).long_name(b"n\0").file(name, body)
    });
    let plain =
        tree().iter().fold(Tar::default(), |tar, (name, body)| tar.pax(b'x', &[("path", name)]).file(name, body));
    let [gz, zst, zip] = archives();
    let originals = [("d.tar", plain.end()), ("d.tar", tar.end()), gz, zst, zip];
    for case in 0..cases {
        let mut random = seed::generator(7, "scramble", 0, case);
        let (name, original) = &originals[random.random_range(0..originals.len())];
        let bytes = scramble(original, &mut random);
        let bench = Bench::new(name, &bytes);
        let limits = Limits { harmless_bytes: 16 << 20, ..Limits::default() };
        match bench.unpack(&limits) {
            Ok(manifest) => drop(bench.files(&manifest)),
            Err(_) => bench.assert_untouched(&format!("case {case}")),
        }
    }
}

fn scramble(original: &[u8], random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..random.random_range(1..5) {
        let at = random.random_range(0..bytes.len());
        let end = bytes.len().min(at + random.random_range(1..600));
        match random.random_range(0..5) {
            0 => bytes[at] = random.random(),
            1 => drop(bytes.drain(at..end)),
            2 => bytes[at..end].fill([0, 0xff, b'/', b'.', b'9'][random.random_range(0..5)]),
            3 => bytes.extend_from_within(at..end),
            _ => {
                let piece = bytes[at..end].to_vec();
                let to = random.random_range(0..bytes.len());
                bytes.splice(to..to, piece);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    resum(&mut bytes);
    bytes
}

/// Corrects the checksums of tar headers, so that scrambled fields pass them.
fn resum(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512) {
        if let Ok(header) = <[u8; 512]>::try_from(&*block)
            && header[257..262] == *b"ustar"
        {
            block.copy_from_slice(&summed(header));
        }
    }
}
