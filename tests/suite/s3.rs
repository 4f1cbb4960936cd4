//! A real S3 server for one test, and a wire to it that can be cut, or answer in its place.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A secret that must never be seen.
pub const SECRET: &str = "hunter2hunter2hunter2hunter2hunter2hunter2";

/// The server. It ends when this is dropped, and with the process of the test.
pub struct S3 {
    child: Child,
    pub port: u16,
}

impl S3 {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One that knows no key but its own.
    pub fn strict() -> Self {
        Self::with(&["strict"])
    }

    fn with(arguments: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(crate::program::interpreter());
        command.arg(root.join("tests/fixtures/s3/server.py")).args(arguments);
        clean(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap_or_else(|_| panic!("the server did not start: {line:?}"));
        Self { child, port }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The keys in the bucket.
    pub fn keys(&self) -> Vec<String> {
        let (status, body) = ask(self.port, "GET", "/runs?list-type=2&max-keys=1000", b"");
        assert_eq!(status, 200);
        let text = String::from_utf8(body).unwrap();
        let keys = text.split("<Key>").skip(1).map(|rest| rest.split_once("</Key>").unwrap().0.to_owned());
        keys.collect()
    }

    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let (status, body) = ask(self.port, "GET", &format!("/runs/{key}"), b"");
        (status == 200).then_some(body)
    }

    pub fn put(&self, key: &str, body: &[u8]) {
        assert_eq!(ask(self.port, "PUT", &format!("/runs/{key}"), body).0, 200);
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.kill();
        }
    }
}

/// No credentials of the person who runs the tests reach a service.
fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|service| text.starts_with(service))
            || text.to_ascii_lowercase().ends_with("_proxy")
        {
            command.env_remove(name);
        }
    }
}

/// Lets a command reach a server at this port, with a key.
pub fn reach(command: &mut Command, port: u16) {
    clean(command);
    command
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_DEFAULT_REGION", "us-east-1");
}

fn ask(port: u16, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // The server asks for a signature, and believes any.
    let signature =
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {}\r\nContent-Type: binary/octet-stream\r\n\
         Authorization: {signature}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, answer[end + 4..].to_vec())
}

/// What a wire does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Through,
    /// Every connection is closed at once.
    Cut,
    /// The server is too busy.
    Busy,
    /// Every other request finds the server too busy.
    HalfBusy,
}

/// A wire to a server.
pub struct Wire {
    pub port: u16,
    mode: Arc<Mutex<Mode>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    pub refused: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Wire {
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Self {
            port: listener.local_addr().unwrap().port(),
            mode: Arc::new(Mutex::new(Mode::Through)),
            open: Arc::default(),
            refused: Arc::default(),
            ended: Arc::default(),
        };
        let (mode, open, refused, ended) =
            (Arc::clone(&wire.mode), Arc::clone(&wire.open), Arc::clone(&wire.refused), Arc::clone(&wire.ended));
        thread::spawn(move || {
            for (number, client) in listener.incoming().enumerate() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                let mode = *mode.lock().unwrap();
                if mode != Mode::Through && !(mode == Mode::HalfBusy && number % 2 == 0) {
                    refused.fetch_add(1, Ordering::SeqCst);
                }
                match mode {
                    Mode::Cut => drop(client),
                    Mode::Busy => drop(thread::spawn(move || busy(client))),
                    Mode::HalfBusy if number % 2 == 1 => drop(thread::spawn(move || busy(client))),
                    Mode::HalfBusy | Mode::Through => {
                        let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                        open.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                        join(client, server);
                    }
                }
            }
        });
        wire
    }

    /// From now on, for what is open too.
    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
        for stream in self.open.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn join(client: TcpStream, server: TcpStream) {
    for (mut from, mut to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
        thread::spawn(move || {
            drop(std::io::copy(&mut from, &mut to));
            drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
        });
    }
}

/// Reads a request as a busy server does: not at all.
fn busy(mut client: TcpStream) {
    let mut buffer = vec![0; 1 << 16];
    drop(client.read(&mut buffer));
    let answer = "HTTP/1.1 503 Slow Down\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    drop(client.write_all(answer.as_bytes()));
    drop(client.shutdown(Shutdown::Write));
    while client.read(&mut buffer).is_ok_and(|length| length > 0) {}
}
