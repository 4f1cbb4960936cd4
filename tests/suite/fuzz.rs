//! Damaged files of every format that the program reads, in any number: none may crash it, keep it busy for more than
//! ten seconds, or make it take more than a gigabyte. What it makes of a damaged file is tested elsewhere.
//!
//! Each format has a function of the library that reads it, and whole files to damage. A case is a function of its number, so
//! `FORMAT:NUMBER` says how to see it again. A process of its own reads them, one after the other; this one watches it.
//!
//! The suite reads a few of each format; `scripts/fuzz.sh --cases 100000 FORMAT` reads more.

mod damage;
mod formats;
mod images;
mod signs;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use self::formats::{FORMATS, Format};

/// More processor time than this is a hang, on a busy machine too.
const LONGEST: Duration = Duration::from_secs(10);
/// So is waiting for longer than this, whatever for; before its first case a worker may start for as long.
const PATIENCE: Duration = Duration::from_secs(120);
/// More than this is too much memory.
const MOST_KIB: u64 = 1 << 20;
/// Cases of each format that the suite reads.
const FEW: u64 = 40;

/// What is asked of a worker: format, first case, cases, folder.
const JOB: &str = "FRAGUA_FUZZ_JOB";
/// What `scripts/fuzz.sh` asks for: format or `all`, first case, cases.
const ASKED: &str = "FRAGUA_FUZZ";

/// How often damaged files did what.
#[derive(Default)]
struct Tally {
    cases: u64,
    crashes: Vec<String>,
    hangs: Vec<String>,
    memory: Vec<String>,
    /// How often a process that reads files for the program ended on one, which the program survives.
    survived: u64,
    slowest_ms: u128,
    most_kib: u64,
}

impl Tally {
    fn is_clean(&self) -> bool {
        self.crashes.is_empty() && self.hangs.is_empty() && self.memory.is_empty()
    }

    fn line(&self, format: &str) -> String {
        let mut line = format!(
            "{format:<12} {} cases: {} crashes, {} hangs, {} times over 1 GB; {} readers ended on a file, which was survived; \
             slowest {} ms, most memory {} MiB",
            self.cases,
            self.crashes.len(),
            self.hangs.len(),
            self.memory.len(),
            self.survived,
            self.slowest_ms,
            self.most_kib >> 10
        );
        for (what, cases) in [("crash", &self.crashes), ("hang", &self.hangs), ("memory", &self.memory)] {
            cases.iter().take(20).for_each(|case| writeln!(line, "\n    {what}: {case}").unwrap());
        }
        line
    }
}

/// A process that reads cases, and what it prints.
struct Worker {
    process: Child,
    lines: Receiver<String>,
}

impl Worker {
    fn start(format: &Format, first: u64, cases: u64, folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fuzz::read_cases", "--ignored", "--nocapture"])
            .env(JOB, format!("{} {first} {cases} {}", format.name, folder.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (stdout, (sender, lines)) = (process.stdout.take().unwrap(), mpsc::channel());
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { process, lines }
    }

    /// What the worker has used, and what the processes that it has waited for have used; 0 if it has ended.
    fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        // After the name, which may contain anything, the 12th to 15th words are ticks of a hundredth of a second.
        let words = stat.rsplit_once(") ").map_or("", |(_, words)| words);
        let ticks: u64 = words.split(' ').skip(11).take(4).filter_map(|word| word.parse::<u64>().ok()).sum();
        Duration::from_millis(10 * ticks)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Reads cases of a format in processes of their own; each that ends early is replaced behind the case that it ended on.
fn watch(format: &Format, first: u64, cases: u64) -> Tally {
    // In memory: archives are synced when they are unpacked.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    (format.samples)(folder.path());
    let (mut tally, mut next) = (Tally::default(), first);
    while next < first + cases {
        let worker = Worker::start(format, next, first + cases - next, folder.path());
        next = follow(&worker, format, next, &mut tally);
    }
    tally.cases = cases;
    tally
}

/// Follows a worker to its end; the case after the last one that it began.
fn follow(worker: &Worker, format: &Format, first: u64, tally: &mut Tally) -> u64 {
    let (mut current, mut began, mut before) = (None, Instant::now(), Duration::MAX);
    loop {
        let line = worker.lines.recv_timeout(Duration::from_secs(1));
        let is_slow = || worker.processor_time().saturating_sub(before) > LONGEST || began.elapsed() > PATIENCE;
        if line == Err(RecvTimeoutError::Timeout) && !is_slow() {
            continue;
        }
        let case = format!("{}:{}", format.name, current.unwrap_or(first));
        match line.as_deref() {
            Ok(line) => {
                let words: Vec<&str> = line.split_whitespace().collect();
                match words[..] {
                    ["case", number] => {
                        if current.is_some() {
                            tally.slowest_ms = tally.slowest_ms.max(began.elapsed().as_millis());
                        }
                        (current, began, before) = (number.parse().ok(), Instant::now(), worker.processor_time());
                    }
                    ["memory", kib] => {
                        let kib: u64 = kib.parse().unwrap();
                        tally.most_kib = tally.most_kib.max(kib);
                        if kib > MOST_KIB {
                            tally.memory.push(format!("{case} ({} MiB)", kib >> 10));
                            return current.unwrap_or(first) + 1;
                        }
                    }
                    ["survived"] => tally.survived += 1,
                    ["done"] => return u64::MAX,
                    _ => {}
                }
            }
            Err(RecvTimeoutError::Timeout) => tally.hangs.push(case),
            Err(RecvTimeoutError::Disconnected) => tally.crashes.push(case),
        }
        if line.is_err() {
            return current.unwrap_or(first) + 1;
        }
    }
}

/// A worker: reads the requested cases. By default it does nothing.
#[test]
#[ignore = "a part of the other test, which starts it"]
fn read_cases() {
    let job = std::env::var(JOB).expect("started by the other test");
    let words: Vec<&str> = job.splitn(4, ' ').collect();
    let format = FORMATS.iter().find(|format| format.name == words[0]).expect("a known format");
    let (first, cases, folder): (u64, u64, &Path) =
        (words[1].parse().unwrap(), words[2].parse().unwrap(), Path::new(words[3]));
    fragua::task::read_apart();
    let samples = formats::read_samples(folder);
    let mut out = std::io::stdout();
    for case in first..first + cases {
        writeln!(out, "case {case}").unwrap();
        let (name, whole) = &samples[(case % samples.len() as u64) as usize];
        let damaged = damage::damaged(whole, format.name, case);
        (format.read)(&folder.join("work"), name, &damaged);
        if case % 16 == 0 || case + 1 == first + cases {
            writeln!(out, "memory {}", peak_kib()).unwrap();
        }
    }
    writeln!(out, "done").unwrap();
}

/// The most memory that this process had.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Damaged files of every format; number and choice come from the environment.
#[test]
fn damaged_files_do_no_harm() {
    let asked = std::env::var(ASKED).unwrap_or_else(|_| format!("all 0 {FEW}"));
    let words: Vec<&str> = asked.split_whitespace().collect();
    let (first, cases): (u64, u64) = (words[1].parse().unwrap(), words[2].parse().unwrap());
    let formats = FORMATS.iter().filter(|format| words[0] == "all" || format.name == words[0]);
    let mut bad = String::new();
    for format in formats {
        let tally = watch(format, first, cases);
        assert_eq!(tally.cases, cases);
        writeln!(std::io::stdout(), "{}", tally.line(format.name)).unwrap();
        if !tally.is_clean() {
            writeln!(bad, "{}", tally.line(format.name)).unwrap();
        }
    }
    assert!(bad.is_empty(), "\n{bad}");
}
