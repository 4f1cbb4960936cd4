//! Archives that must not be taken, each with what its refusal says. CVE-2007-4559, CVE-2025-4517, CVE-2026-33056 and
//! their kin need a link or a `..`; CVE-2025-62518 and RUSTSEC-2026-0068 need two readings of one size.

use super::build::*;
use super::*;

struct Case {
    title: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
    says: &'static str,
    limits: Limits,
}

fn case(title: &'static str, name: &'static str, bytes: Vec<u8>, says: &'static str) -> Case {
    Case { title, name, bytes, says, limits: Limits::default() }
}

fn check(cases: Vec<Case>) {
    for Case { title, name, bytes, says, limits } in cases {
        let text = refusal(title, name, &bytes, &limits);
        assert!(text.contains(says), "{title}: expected {says:?} in {text:?}");
    }
}

fn tar_of(name: &[u8], kind: u8, body: &[u8]) -> Vec<u8> {
    Tar::default().file("good.nc", b"good").entry(name, kind, body).end()
}

#[test]
fn names_that_lead_astray_are_refused() {
    let pax_path = |path: &str| Tar::default().pax(b'x', &[("path", path)]).file("x", b"x").end();
    check(vec![
        case("parent", "a.tar", tar_of(b"../evil", b'0', b"x"), "at entry \"../evil\": its path contains \"..\""),
        case("parent inside", "a.tar", tar_of(b"a/../../evil", b'0', b"x"), "\"..\""),
        case("parent folder", "a.tar", tar_of(b"..", b'5', b""), "\"..\""),
        case("parent at the end", "a.tar", tar_of(b"a/..", b'5', b""), "\"..\""),
        case("parent in pax", "a.tar", pax_path("../evil"), "\"..\""),
        case("parent in a GNU name", "a.tar", Tar::default().long_name(b"../evil\0").file("x", b"").end(), "\"..\""),
        case("absolute", "a.tar", tar_of(b"/tmp/evil", b'0', b"x"), "its path is absolute"),
        case("absolute folder", "a.tar", tar_of(b"//", b'5', b""), "its path is absolute"),
        case("backslash", "a.tar", tar_of(b"..\\evil", b'0', b"x"), "backslash"),
        case(
            "control",
            "a.tar",
            tar_of(b"a\x1b[2Jb", b'0', b"x"),
            "at entry \"a\\u{1b}[2Jb\": its name contains control",
        ),
        case("new line", "a.tar", tar_of(b"a\nb", b'0', b"x"), "control"),
        case("zero in pax", "a.tar", pax_path("good\0../evil"), "control"),
        case("reversed text", "a.tar", tar_of("a\u{202e}cn.exe".as_bytes(), b'0', b"x"), "invisible"),
        case("not UTF-8", "a.tar", tar_of(b"caf\xe9.nc", b'0', b"x"), "not UTF-8"),
        case("no name", "a.tar", tar_of(b"", b'0', b"x"), "it has no name"),
        case("the folder itself as a file", "a.tar", tar_of(b".", b'0', b"x"), "a file and a folder at once"),
        case("a file that says folder", "a.tar", tar_of(b"a/", b'7', b"x"), "a file and a folder at once"),
        case("long name", "a.tar", pax_path(&"n".repeat(256)), "takes 256 bytes, at most 255"),
        case("long path", "a.tar", pax_path(&vec!["n".repeat(200); 20].join("/")), "at most 2048"),
        case("deep", "a.tar", pax_path(&format!("{}x", "d/".repeat(32))), "is 33 folders deep, at most 32"),
        case("very deep", "a.tar", pax_path(&format!("{}x", "d/".repeat(400_000))), "at most 2048"),
    ]);
}

#[test]
fn anything_but_a_plain_file_is_refused() {
    let link_then_through = Tar::default().entry(b"a", b'2', b"").file("a/evil", b"x").end();
    let sparse = Tar::default().pax(b'x', &[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")]).file("x", b"x");
    check(vec![
        case("symbolic link", "a.tar", tar_of(b"link", b'2', b""), "at entry \"link\": it is a symbolic link"),
        case("write through a link", "a.tar", link_then_through, "a symbolic link"),
        case("long link", "a.tar", tar_of(b"././@LongLink", b'K', b"/etc\0"), "a symbolic link"),
        case("hard link", "a.tar", tar_of(b"link", b'1', b""), "it is a hard link"),
        case("character device", "a.tar", tar_of(b"null", b'3', b""), "it is a device"),
        case("block device", "a.tar", tar_of(b"sda", b'4', b""), "it is a device"),
        case("named pipe", "a.tar", tar_of(b"pipe", b'6', b""), "it is a named pipe"),
        case("GNU sparse", "a.tar", tar_of(b"holes", b'S', b""), "sparse"),
        case("pax sparse", "a.tar", sparse.end(), "sparse"),
        case("volume label", "a.tar", tar_of(b"label", b'V', b""), "a volume label"),
        case("continued file", "a.tar", tar_of(b"half", b'M', b"x"), "spans several archives"),
        case("unknown type", "a.tar", tar_of(b"odd", b'Z', b""), "of an unknown type"),
        case("folder with content", "a.tar", tar_of(b"folder", b'5', b"x"), "1 bytes of content"),
    ]);
}

#[test]
fn one_name_is_one_file() {
    let two = |one: &str, other: &str| Tar::default().file(one, b"1").file(other, b"2").end();
    let folder_last = Tar::default().file("a", b"1").entry(b"a/", b'5', b"").end();
    let folder_first = Tar::default().entry(b"a/", b'5', b"").file("a", b"1").end();
    check(vec![
        case("twice", "a.tar", two("a", "a"), "the archive contains it twice (as \"a\")"),
        case("twice with a dot", "a.tar", two("b/a", "./b//a"), "twice (as \"b/a\")"),
        case("twice composed", "a.tar", two("\u{fc}.nc", "u\u{308}.nc"), "twice"),
        case("file as folder", "a.tar", two("a", "a/b"), "\"a\" is a file and a folder at once"),
        case("file as folder of folders", "a.tar", two("a", "a/b/c/d"), "a file and a folder at once"),
        case("folder as file", "a.tar", two("a/b", "a"), "a file and a folder at once"),
        case("folder after file", "a.tar", folder_last, "a file and a folder at once"),
        case("file after folder", "a.tar", folder_first, "a file and a folder at once"),
    ]);
}

#[test]
fn headers_that_two_readers_could_read_in_two_ways_are_refused() {
    let broken = |change: fn(&mut [u8; 512])| {
        let mut block = header(b"a", b'0', 1);
        change(&mut block);
        Tar::default().file("good.nc", b"good").block(block).body(b"x").end()
    };
    let resummed = |change: fn(&mut [u8; 512])| {
        let mut block = header(b"a", b'0', 1);
        change(&mut block);
        Tar::default().block(summed(block)).body(b"x").end()
    };
    let pax = |records: &[(&str, &str)]| Tar::default().pax(b'x', records);
    let long = || Tar::default().long_name(b"long\0");
    let huge_pax = Tar::default().entry(b"p", b'x', &vec![b'1'; 2 << 20]).file("a", b"x").end();
    let huge_name = Tar::default().long_name(&vec![b'n'; 100_000]).file("a", b"x").end();
    check(vec![
        case("checksum", "a.tar", broken(|block| block[0] ^= 1), "checksum of the entry's header is"),
        case("checksum is no number", "a.tar", broken(|block| block[148] = b'x'), "header checksum can't be read"),
        case("size is no number", "a.tar", resummed(|block| block[125] = b'9'), "size can't be read"),
        case("size has a tail", "a.tar", resummed(|block| block[126] = b' '), "size can't be read"),
        case("no size", "a.tar", resummed(|block| block[124..136].fill(0)), "size can't be read"),
        case("negative size", "a.tar", resummed(|block| block[124..136].fill(0xff)), "negative or too large"),
        case(
            "size beyond all",
            "a.tar",
            resummed(|block| block[124..136].copy_from_slice(b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff")),
            "negative or too large",
        ),
        case(
            "pax size is no number",
            "a.tar",
            pax(&[("size", "0x10")]).file("a", b"x").end(),
            "a number can't be read",
        ),
        case("pax size is negative", "a.tar", pax(&[("size", "-1")]).file("a", b"x").end(), "a number can't be read"),
        case("pax path twice", "a.tar", pax(&[("path", "a"), ("path", "b")]).file("a", b"x").end(), "twice"),
        case(
            "pax without records",
            "a.tar",
            Tar::default().entry(b"p", b'x', b"junk").file("a", b"x").end(),
            "no length",
        ),
        case(
            "pax twice",
            "a.tar",
            pax(&[("path", "b")]).pax(b'x', &[("path", "c")]).file("a", b"x").end(),
            "two for one entry",
        ),
        case(
            "pax and GNU name",
            "a.tar",
            long().pax(b'x', &[("path", "c")]).file("a", b"x").end(),
            "two for one entry",
        ),
        case("GNU name twice", "a.tar", long().long_name(b"b\0").file("a", b"x").end(), "two for one entry"),
        case(
            "GNU name with a tail",
            "a.tar",
            Tar::default().long_name(b"a\0b\0").file("a", b"x").end(),
            "more after the name",
        ),
        case(
            "global pax renames",
            "a.tar",
            Tar::default().pax(b'g', &[("path", "b")]).file("a", b"x").end(),
            "a global one sets the name",
        ),
        case(
            "global pax resizes",
            "a.tar",
            Tar::default().pax(b'g', &[("size", "9")]).file("a", b"x").end(),
            "a global one sets the name or the size",
        ),
        case(
            "pax without entry",
            "a.tar",
            Tar::default().file("a", b"x").pax(b'x', &[("path", "b")]).end(),
            "without its entry",
        ),
        case("huge pax", "a.tar", huge_pax, "2097152 bytes, more than the limit of 1048576"),
        case("huge GNU name", "a.tar", huge_name, "100000 bytes, more than the limit of 65536"),
    ]);
}

#[test]
fn archives_that_end_too_early_or_too_late_are_refused() {
    let good = || Tar::default().file("a", b"x");
    let with = |tail: &[u8]| [&good().0, tail].concat();
    let joined = [good().end(), good().end()].concat();
    let lone = [&good().0[..], &[0; 512], &good().0, &[0; 1024]].concat();
    let short = Tar::default().block(header(b"a", b'0', 5000)).body(b"x").0;
    let zeros = [good().end(), vec![0; 32 << 20]].concat();
    check(vec![
        case("no end mark", "a.tar", good().0, "the end mark is missing"),
        case("half an end mark", "a.tar", with(&[0; 512]), "within its end mark"),
        case("a bit of an end mark", "a.tar", with(&[0; 100]), "the end mark is missing"),
        case("a lone zero block", "a.tar", lone, "more data after the end"),
        case("garbage behind the end", "a.tar", with(&[&[0; 1024][..], b"evil"].concat()), "more data after the end"),
        case("two archives joined", "a.tar", joined, "more data after the end"),
        case("cut in a file", "a.tar", short, "at entry \"a\": it is truncated: it ends within this entry"),
        case("cut in the fill", "a.tar", good().0[..1000].to_vec(), "it is truncated"),
        case("endless zeros", "a.tar.gz", gzip(&zeros), "more data after the end"),
        case("nothing in it", "a.tar", vec![0; 10_240], "there is no file in it"),
        case("folders only", "a.tar", Tar::default().entry(b"a/", b'5', b"").end(), "there is no file in it"),
        case("extras of macOS only", "a.tar", Tar::default().file("._a", b"x").end(), "there is no file in it"),
    ]);
}

#[test]
fn bombs_are_refused_before_they_burst() {
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits { harmless_bytes: 1 << 20, ..Limits::default() };
        change(&mut limits);
        limits
    };
    let zeros = vec![0; 20 << 20];
    let many = (0..3000).fold(Tar::default(), |tar, number| tar.file(&format!("{number}"), b"")).end();
    let many_globals =
        (0..3000).fold(Tar::default(), |tar, _| tar.pax(b'g', &[("comment", "x")])).file("a", b"x").end();
    let deep =
        (0..40).fold(Tar::default(), |tar, number| tar.file(&format!("{}x", format!("{number}/").repeat(20)), b""));
    let deep = deep.end();
    let long_names =
        (0..100).fold(Tar::default(), |tar, number| tar.file(&format!("{number:0>90}/{number}"), b"")).end();
    let mut huge = header(b"a", b'0', 0);
    huge[124..136].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    let huge = Tar::default().block(summed(huge)).end();
    let pax_huge = Tar::default().pax(b'x', &[("size", "18446744073709551615")]).file("a", b"").end();
    let single = gzip(&[b"CDF\x01".as_slice(), &zeros].concat());
    let cases = [
        (
            "file of zeros",
            "a.tar.gz",
            gzip(&Tar::default().file("a", &zeros).end()),
            limits(|_| {}),
            "250 times its own size",
        ),
        ("single file of zeros", "a.nc.gz", single, limits(|_| {}), "250 times its own size"),
        ("zstd of zeros", "a.tar.zst", zstd(&Tar::default().file("a", &zeros).end()), limits(|_| {}), "250 times"),
        ("zip of zeros", "a.zip", zip(&[ZipEntry::new("a", &zeros)]), limits(|_| {}), "250 times its own size"),
        ("empty entries", "a.tar.gz", gzip(&many), limits(|_| {}), "250 times its own size"),
        ("many entries", "a.tar", many, limits(|limits| limits.entries = 1000), "more than 1000 entries"),
        ("many headers", "a.tar", many_globals, limits(|limits| limits.entries = 1000), "more than 1000 entries"),
        (
            "many unnamed folders",
            "a.tar.gz",
            gzip(&deep),
            limits(|limits| (limits.harmless_bytes, limits.harmless_entries) = (1 << 30, 500)),
            "more than 500 entries",
        ),
        (
            "long names",
            "a.tar",
            long_names,
            limits(|limits| limits.name_bytes = 5000),
            "its names take more than 5.0 KB",
        ),
        (
            "too large",
            "a.tar",
            Tar::default().file("a", &zeros).end(),
            limits(|limits| limits.bytes = 1 << 20),
            "more than the limit of 1.0 MB",
        ),
        ("stated size", "a.tar", huge, limits(|_| {}), "250 times its own size"),
        ("stated pax size", "a.tar", pax_huge, limits(|_| {}), "250 times its own size"),
    ];
    check(
        cases.into_iter().map(|(title, name, bytes, limits, says)| Case { title, name, bytes, says, limits }).collect(),
    );
}

#[test]
fn compressed_streams_must_be_whole_and_nothing_else() {
    let tar = Tar::default().file("a", b"content").end();
    let changed = |mut bytes: Vec<u8>, from_end: usize| {
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        bytes
    };
    let gz = gzip(&tar);
    let zst = zstd(&tar);
    let mut wide = zstd::Encoder::new(Vec::new(), 3).unwrap();
    wide.window_log(28).unwrap();
    let mut wide = wide;
    std::io::Write::write_all(&mut wide, &tar).unwrap();
    let garbage = |bytes: &[u8]| [bytes, b"garbage behind it"].concat();
    check(vec![
        case("gzip checksum", "a.tar.gz", changed(gz.clone(), 8), "its gzip data is damaged"),
        case("gzip length", "a.tar.gz", changed(gz.clone(), 1), "its gzip data is damaged"),
        case("gzip without trailer", "a.tar.gz", gz[..gz.len() - 8].to_vec(), "it is truncated"),
        case("gzip without the last byte", "a.tar.gz", gz[..gz.len() - 1].to_vec(), "it is truncated"),
        case("garbage behind gzip", "a.tar.gz", garbage(&gz), "its gzip data is damaged"),
        case("zstd checksum", "a.tar.zst", changed(zst.clone(), 1), "its zstd data is damaged"),
        case("zstd without checksum", "a.tar.zst", zst[..zst.len() - 4].to_vec(), "it is truncated"),
        case("garbage behind zstd", "a.tar.zst", garbage(&zst), "its zstd data is damaged"),
        case(
            "zstd window",
            "a.tar.zst",
            wide.finish().unwrap(),
            "its zstd data is damaged (Frame requires too much memory",
        ),
        case("gzip of nothing", "a.gz", gzip(b""), "there is no file in it"),
        case("gzip in gzip", "a.gz", gzip(&gz), "an archive within a compressed file"),
        case("xz in gzip", "a.gz", gzip(b"\xfd7zXZ\0\0\0"), "it is an xz archive"),
        case("page in gzip", "a.gz", gzip(b"<!DOCTYPE html><title>Sign in"), "a web page"),
        case("no tar in tar.gz", "a.tar.gz", gzip(b"CDF\x01 a radar file"), "its name ends in \".tar.gz\""),
    ]);
}

#[test]
fn zip_archives_that_contradict_themselves_are_refused() {
    let one =
        |change: fn(&mut ZipEntry)| zip(&[ZipEntry::new("good", b"good"), ZipEntry::new("a", b"content").with(change)]);
    let good = || zip(&[ZipEntry::new("a", b"content")]);
    let end = |at: usize, value: u8| {
        let mut bytes = good();
        let at = bytes.len() - 22 + at;
        bytes[at] = value;
        bytes
    };
    let two = |one: &str, other: &str| zip(&[ZipEntry::new(one, b"1"), ZipEntry::new(other, b"2")]);
    check(vec![
        case("parent", "a.zip", two("a", "../evil"), "at entry \"../evil\": its path contains \"..\""),
        case("absolute", "a.zip", two("a", "/evil"), "its path is absolute"),
        case("backslash", "a.zip", two("a", "b\\c"), "backslash"),
        case("twice", "a.zip", two("a", "./a"), "twice"),
        case("file as folder", "a.zip", two("a", "a/b"), "a file and a folder at once"),
        case("symbolic link", "a.zip", one(|entry| entry.mode = 0o120_777), "a symbolic link"),
        case("device", "a.zip", one(|entry| entry.mode = 0o020_666), "a device"),
        case("pipe", "a.zip", one(|entry| entry.mode = 0o010_666), "a named pipe"),
        case("folder by mode only", "a.zip", one(|entry| entry.mode = 0o040_755), "kind of file differs"),
        case(
            "folder with content",
            "a.zip",
            zip(&[ZipEntry::new("a/", b"x").with(|entry| entry.mode = 0)]),
            "1 bytes of content",
        ),
        case("encrypted", "a.zip", one(|entry| entry.flags = 1), "it is encrypted"),
        case("bzip2 method", "a.zip", one(|entry| entry.method = 12), "zip method 12"),
        case("other method inside", "a.zip", one(|entry| entry.local_method = 0), "compression method differs"),
        case("other name inside", "a.zip", one(|entry| entry.local_name = b"b".to_vec()), "its name differs"),
        case("checksum", "a.zip", one(|entry| entry.crc ^= 1), "at entry \"a\": checksum of this entry is"),
        case("holds more", "a.zip", one(|entry| entry.bytes -= 1), "contains more than the directory says"),
        case("holds less", "a.zip", one(|entry| entry.bytes += 1), "contains less than the directory says"),
        case("data behind its end", "a.zip", one(|entry| entry.data.push(0)), "contains less than the directory says"),
        case("deflate is cut", "a.zip", one(|entry| entry.data.truncate(3)), "within this entry"),
        case("deflate is garbage", "a.zip", one(|entry| entry.data = vec![0xff; 9]), "zip data is damaged"),
        case("overlap", "a.zip", one(|entry| entry.offset = Some(0)), "overlaps"),
        case("offset outside", "a.zip", one(|entry| entry.offset = Some(0x7fff_ffff)), "overlaps"),
        case("offset in the middle", "a.zip", one(|entry| entry.offset = Some(3)), "overlaps"),
        case("extra fields are cut", "a.zip", one(|entry| entry.extra = b"\x01\0\x09\0".to_vec()), "one is truncated"),
        case(
            "another unicode name",
            "a.zip",
            one(|entry| entry.extra = b"\x75\x70\x06\0\x01\0\0\0\0b".to_vec()),
            "its name differs",
        ),
        case("empty", "a.zip", zip(&[]), "there is no file in it"),
        case("without end record", "a.zip", good()[..30].to_vec(), "the directory at the end is missing"),
        case("garbage behind it", "a.zip", [good(), b"x".to_vec()].concat(), "more data after the end"),
        case("other number of entries", "a.zip", end(10, 2), "split archive"),
        case("directory elsewhere", "a.zip", end(16, 1), "is not where it says"),
        case("split", "a.zip", end(4, 1), "split archive"),
    ]);
}

#[test]
fn other_files_are_named() {
    check(vec![
        case("xz", "a.tar.gz", b"\xfd7zXZ\0\0\0".to_vec(), "it is an xz archive; unpack it and pack it again"),
        case("bzip2", "a.tar.gz", b"BZh91AY&SY".to_vec(), "a bzip2 archive"),
        case("page", "a.tar.gz", b"<html><body>Quota exceeded".to_vec(), "it is a web page"),
        case("empty file", "a.tar.gz", Vec::new(), "an empty file"),
        case("noise", "a.tar.gz", b"\x01\x02\x03".to_vec(), "not a supported archive (first bytes 01 02 03)"),
        case("no archive", "a.nc", b"CDF\x01\0\0\0\0".to_vec(), "43 44 46 01"),
    ]);
    let folder = scratch();
    let error = recognise(folder.path()).unwrap_err();
    assert!(error.to_string().contains("it is not a plain file"), "{error}");
    assert_eq!(recognise(&folder.path().join("nothing")).unwrap_err().exit(), crate::util::exit::Exit::DiskIo);
}
