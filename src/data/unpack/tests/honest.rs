//! Archives as people make them, by hand and with the tools of this machine, and the promises about the folder.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use super::build::*;
use super::*;
use crate::util::exit::Exit;
use crate::util::left_out::{file_named_by, left_out};

fn one(path: &str, body: &[u8]) -> Vec<(String, Vec<u8>)> {
    vec![(path.to_owned(), body.to_vec())]
}

#[test]
fn a_size_in_a_pax_header_counts_in_place_of_the_header_s() {
    let inner = Tar::default().file("smuggled", b"x").0;
    let size = inner.len().to_string();
    let zero = Tar::default().pax(b'x', &[("size", &size)]).block(header(b"a", b'0', 0)).body(&inner).end();
    assert_eq!(unpacked("a.tar", &zero), one("a", &inner));
    let large = Tar::default().pax(b'x', &[("size", "1")]).block(header(b"a", b'0', 9999)).body(b"x").end();
    assert_eq!(unpacked("a.tar", &large), one("a", b"x"));
}

#[test]
fn names_come_from_pax_from_gnu_headers_and_from_the_ustar_prefix() {
    let long = format!("{}/{}", "folder".repeat(20), "name".repeat(50));
    let pax = Tar::default().pax(b'g', &[("comment", "0123")]).pax(b'x', &[("path", &long), ("mtime", "1.5")]);
    assert_eq!(unpacked("a.tar", &pax.file("short", b"x").end()), one(&long, b"x"));
    let gnu = Tar::default().long_name(format!("{long}\0").as_bytes()).file("short", b"x");
    assert_eq!(unpacked("a.tar", &gnu.end()), one(&long, b"x"));
    let mut block = header(b"name", b'0', 1);
    block[345..351].copy_from_slice(b"prefix");
    assert_eq!(unpacked("a.tar", &Tar::default().block(summed(block)).body(b"x").end()), one("prefix/name", b"x"));
    block[257..265].copy_from_slice(b"ustar  \0");
    assert_eq!(unpacked("a.tar", &Tar::default().block(summed(block)).body(b"x").end()), one("name", b"x"));
}

#[test]
fn an_archive_from_before_ustar_is_known_by_its_checksum() {
    let strip = |name: &[u8], kind, bytes| {
        let mut block = header(name, kind, bytes);
        block[257..265].fill(0);
        summed(block)
    };
    let old = Tar::default().block(strip(b"folder/", 0, 0)).block(strip(b"folder/a", 0, 1)).body(b"x").end();
    assert_eq!(unpacked("download", &old), one("folder/a", b"x"));
}

#[test]
fn what_macos_adds_is_left_out_and_counted() {
    let tar = Tar::default().entry(b"__MACOSX/", b'5', b"").file("__MACOSX/._a.nc", b"fork").file("._a.nc", b"fork");
    let tar = tar.file(".DS_Store", &[7; 5000]).file("a.nc", b"x").end();
    let bench = Bench::new("a.tar", &tar);
    let unpacked = unpack(&bench.archive, &bench.destination(), &Limits::default(), &Stop::default(), &Silent).unwrap();
    assert_eq!(unpacked.left_out, 3);
    let manifest = unpacked.commit().unwrap();
    assert_eq!(bench.files(&manifest), one("a.nc", b"x"));
    assert_eq!(fs::read_dir(bench.destination()).unwrap().count(), 1);
}

#[test]
fn several_gzip_members_and_zstd_frames_are_one_stream() {
    let tar = Tar::default().file("a", &[7; 3000]).end();
    let (front, back) = tar.split_at(1234);
    assert_eq!(unpacked("a.tgz", &[gzip(front), gzip(b""), gzip(back)].concat()), one("a", &[7; 3000]));
    let skippable = b"\x5a\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    let frames = [skippable.clone(), zstd(front), skippable.clone(), zstd(back), skippable].concat();
    assert_eq!(unpacked("a.tzst", &frames), one("a", &[7; 3000]));
}

#[test]
fn a_single_compressed_file_takes_its_stated_name_or_that_of_the_archive() {
    let stated = |name: &str| {
        let mut encoder = flate2::GzBuilder::new().filename(name).write(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, b"CDF\x01 radar").unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(unpacked("x.gz", &stated("volume.nc")), one("volume.nc", b"CDF\x01 radar"));
    assert_eq!(unpacked("x.gz", &stated("../../evil/volume.nc")), one("volume.nc", b"CDF\x01 radar"));
    assert_eq!(unpacked("volume.nc.gz", &stated("..")), one("volume.nc", b"CDF\x01 radar"));
    assert_eq!(unpacked("volume.nc.zst", &zstd(b"CDF\x01 radar")), one("volume.nc", b"CDF\x01 radar"));
    assert_eq!(unpacked("download", &zstd(b"CDF\x01 radar")), one("download", b"CDF\x01 radar"));
}

#[test]
fn zip_entries_may_be_stored_be_folders_and_lie_in_any_order() {
    let stored = ZipEntry::new("b/stored", b"plain").with(|entry| {
        (entry.method, entry.local_method) = (0, 0);
        entry.data = b"plain".to_vec();
    });
    let folder = ZipEntry::new("b/", b"").with(|entry| entry.mode = 0o040_755);
    let bytes = zip(&[ZipEntry::new("z", b"last"), folder, stored, ZipEntry::new("empty", b"")]);
    let files = unpacked("a.zip", &bytes);
    let expected = [("b/stored", &b"plain"[..]), ("empty", b""), ("z", b"last")];
    assert_eq!(files, expected.map(|(name, body)| (name.to_owned(), body.to_vec())));
}

#[test]
fn files_are_plain_whatever_the_archive_says_about_their_mode() {
    let bench = Bench::new("a.tar", &Tar::default().file("folder/setuid", b"x").end());
    bench.unpack(&Limits::default()).unwrap();
    let mode = |path: &str| bench.destination().join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("folder/setuid") & !0o644, 0);
    assert_eq!(mode("folder") & !0o755, 0);
}

/// Asks to stop after so many bytes.
struct StopAfter<'a>(AtomicU64, u64, &'a Stop);

impl Progress for StopAfter<'_> {
    fn begin(&self, stage: Stage, total: Option<u64>, unit: Unit) {
        assert_eq!((stage, unit), (Stage::Unpack, Unit::BYTES));
        assert!(total.is_some());
    }
    fn set_total(&self, _: u64) {}
    fn advance(&self, amount: u64) {
        if self.0.fetch_add(amount, Ordering::SeqCst) + amount > self.1 {
            self.2.request();
        }
    }
    fn set_position(&self, _: u64) {}
    fn end(&self, _: &str) {}
}

#[test]
fn a_stop_in_the_middle_leaves_nothing() {
    let noise: Vec<u8> = (0..3_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let tar = Tar::default().file("a", &noise).file("b", &noise).end();
    let archives = [("d.tar", tar.clone()), ("d.tgz", gzip(&tar)), ("d.zip", zip(&[ZipEntry::new("a", &noise)]))];
    for (name, bytes) in archives {
        for after in [0, bytes.len() as u64 / 2] {
            let bench = Bench::new(name, &bytes);
            let stop = Stop::default();
            let progress = StopAfter(AtomicU64::new(0), after, &stop);
            let error = unpack(&bench.archive, &bench.destination(), &Limits::default(), &stop, &progress).unwrap_err();
            assert_eq!(error.exit(), Exit::Terminated, "{error}");
            bench.assert_untouched(name);
        }
    }
}

#[test]
fn progress_counts_the_bytes_of_the_archive() {
    let tar = Tar::default().file("a", &[7; 300_000]).end();
    for (name, bytes) in [("d.tar", tar.clone()), ("d.tgz", gzip(&tar)), ("d.tzst", zstd(&tar))] {
        let bench = Bench::new(name, &bytes);
        let stop = Stop::default();
        let progress = StopAfter(AtomicU64::new(0), u64::MAX - 1, &stop);
        drop(unpack(&bench.archive, &bench.destination(), &Limits::default(), &stop, &progress).unwrap());
        assert_eq!(progress.0.into_inner(), bytes.len() as u64, "{name}");
    }
}

#[test]
fn what_an_earlier_try_left_is_replaced_and_what_is_in_the_way_is_kept() {
    let bench = Bench::new("a.tar", &Tar::default().file("a", b"x").end());
    let left = durable::partial_name(&bench.destination());
    fs::create_dir_all(left.join("a")).unwrap();
    fs::create_dir(bench.destination()).unwrap();
    let manifest = bench.unpack(&Limits::default()).unwrap();
    assert_eq!(bench.files(&manifest), one("a", b"x"));
    assert!(!left.exists());
    let error = bench.unpack(&Limits::default()).unwrap_err();
    assert!(matches!(error, UnpackError::InTheWay { .. }), "{error}");
    assert_eq!(error.exit(), Exit::OutputNotWritable);
    assert_eq!(bench.files(&manifest), one("a", b"x"));
}

#[test]
fn what_is_not_committed_is_removed() {
    let bench = Bench::new("a.tar", &Tar::default().file("a", b"x").end());
    let unpacked = unpack(&bench.archive, &bench.destination(), &Limits::default(), &Stop::default(), &Silent).unwrap();
    assert!(unpacked.folder().join("a").exists());
    assert!(!bench.destination().exists());
    drop(unpacked);
    bench.assert_untouched("dropped");
}

#[test]
fn a_disk_that_is_too_small_is_reported_beforehand() {
    let bench = Bench::new("a.tar", &Tar::default().file("a", &[1; 9000]).end());
    let limits = Limits { keep_free_bytes: u64::MAX, ..Limits::default() };
    let error = bench.unpack(&limits).unwrap_err();
    assert!(matches!(error, UnpackError::NoSpace { .. }), "{error}");
    assert_eq!(error.exit(), Exit::DiskIo);
    bench.assert_untouched("too small");
}

/// Names that are long, deep, composed, empty; contents that are empty, large, compressible or not.
fn make_tree(root: &Path) -> Vec<(String, Vec<u8>)> {
    let deep = format!("{}end.nc", "some folder/".repeat(20));
    let long = format!("e/{}.nc", "n".repeat(200));
    let noise: Vec<u8> = (0..700_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let mut files = vec![
        ("a/empty.nc".to_owned(), Vec::new()),
        ("a/large.nc".to_owned(), noise),
        (deep, b"deep".to_vec()),
        (long, vec![128; 1_000_000]),
        ("wrf_2020-01-01_00:00:00 (1).nc".to_owned(), vec![1; 512]),
        ("über/ñandú.nc".to_owned(), vec![2; 513]),
    ];
    for (path, body) in &files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, body).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o4755)).unwrap();
    }
    fs::create_dir(root.join("empty folder")).unwrap();
    files.sort();
    files
}

/// Runs a tool's command line in a folder, or reports that the tool is missing.
fn run_tool(folder: &Path, command: &str) -> bool {
    let tool = command.split_whitespace().next().unwrap();
    if Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        left_out(&format!("{tool} is not installed"), &format!("apt-get install {tool}"));
        return false;
    }
    let output = Command::new("sh").arg("-c").arg(command).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn what_the_tools_of_this_machine_pack_is_unpacked_as_it_was() {
    let folder = scratch();
    let root = folder.path().join("tree");
    fs::create_dir(&root).unwrap();
    let files = make_tree(&root);
    let commands = [
        "tar --format=gnu -cf ../archive .",
        "tar --format=pax -cf ../archive .",
        "tar --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f -czf ../archive *",
        "tar --format=gnu -czf ../archive *",
        "tar --format=gnu -b 1 -czf ../archive ./*",
        "tar --format=pax --zstd -cf ../archive .",
        "tar -I 'zstd --long=27 -19 -T2' -cf ../archive .",
        "tar -c . | zstd -q --no-check > ../archive",
        "tar -c . | split -b 300000 --filter=gzip - > ../archive",
        "zip -q -r ../archive.zip . && mv ../archive.zip ../archive",
        "zip -q -0 -r ../archive.zip . && mv ../archive.zip ../archive",
        "zip -q -r - . > ../archive",
        "zip -q -fz -r ../archive.zip . && mv ../archive.zip ../archive",
        "zip -q -r ../archive.zip . -z < /dev/null && mv ../archive.zip ../archive",
    ];
    for command in commands {
        if !run_tool(&root, command) {
            continue;
        }
        let bench = Bench::new("archive", &fs::read(folder.path().join("archive")).unwrap());
        let manifest = bench.unpack(&Limits::default()).unwrap_or_else(|error| panic!("{command}: {error}"));
        assert!(bench.files(&manifest) == files, "{command}: the files differ");
        assert!(bench.destination().join("empty folder").is_dir(), "{command}");
        let mode = bench.destination().join("a/large.nc").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7133, 0, "{command}: {mode:o}");
    }
}

#[test]
fn the_real_radar_archive_is_unpacked_whole() {
    let Some(archive) = file_named_by("FRAGUA_REAL_RADAR", "the archive of real sequences") else { return };
    let folder = scratch();
    let into = folder.path().join("raw");
    let manifest = unpack(&archive, &into, &Limits::default(), &Stop::default(), &Silent).unwrap().commit().unwrap();
    assert_eq!(manifest.files.len(), 132);
    assert!(manifest.files.iter().all(|file| file.bytes == 254_612 && file.verify(&into).is_ok()));
}
