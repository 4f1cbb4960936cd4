//! A web server that follows a script: it can break off, send false headers, reset, stall and drip. One thread per
//! connection, one reply per connection, gone when dropped.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a client asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How many requests came before.
    pub number: usize,
    /// The path with its query.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first and one past the last byte of the `Range` header.
    pub fn range(&self) -> Option<(usize, Option<usize>)> {
        let (start, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((start.parse().unwrap(), last.parse::<usize>().ok().map(|last| last + 1)))
    }
}

/// How the end of the body is announced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Framing {
    Length,
    Declared(usize),
    Chunked,
    Nothing,
}

/// What happens before the end of the body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    None,
    /// The connection is closed after so many bytes.
    Cut(usize),
    /// The connection is reset after so many bytes.
    Reset(usize),
    /// Nothing more comes after so many bytes, until the client gives up.
    Stall(usize),
    /// After so many bytes they come one by one.
    Drip(usize),
}

/// A reply.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub framing: Framing,
    pub fault: Fault,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), framing: Framing::Length, fault: Fault::None }
    }

    pub fn redirect(to: &str) -> Self {
        Self::new(302, "").with("Location", to)
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.to_string()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self
    }

    pub fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    pub fn failing(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }
}

/// Answers as a well-behaved server that has this file under an entity tag.
pub fn honest(asked: &Asked, content: &[u8], etag: &str) -> Answer {
    let whole = Answer::new(200, content).with("ETag", etag).with("Accept-Ranges", "bytes");
    let Some((start, end)) = asked.range() else { return whole };
    if asked.header("if-range").is_some_and(|validator| validator != etag) {
        return whole;
    }
    if start >= content.len() {
        let page = "<html>416</html>";
        return Answer::new(416, page).with("Content-Range", format!("bytes */{}", content.len()));
    }
    let end = end.unwrap_or(content.len()).min(content.len());
    let range = format!("bytes {start}-{}/{}", end - 1, content.len());
    Answer::new(206, &content[start..end]).with("ETag", etag).with("Content-Range", range)
}

type Script = dyn Fn(&Asked) -> Answer + Send + Sync;
type OnPiece = Box<dyn FnMut(u64) + Send>;

struct Shared {
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
    sent: AtomicU64,
    over: AtomicBool,
    pieces: Mutex<Option<OnPiece>>,
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            asked: Mutex::default(),
            sent: AtomicU64::new(0),
            over: AtomicBool::new(false),
            pieces: Mutex::new(None),
        });
        let own = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if own.over.load(Ordering::SeqCst) {
                    break;
                }
                let own = Arc::clone(&own);
                // A client that is gone is part of the play.
                thread::spawn(move || drop(stream.and_then(|stream| own.serve(stream))));
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// Calls back with the bytes sent so far after each piece of a body.
    pub fn on_piece(&self, call: impl FnMut(u64) + Send + 'static) {
        *self.shared.pieces.lock().unwrap() = Some(Box::new(call));
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Body bytes sent in all replies together.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            accepting.join().unwrap();
        }
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        let mut byte = [0];
        // The last byte of the head stays unread for now: closing a socket with unread bytes sends a reset.
        while !head.ends_with(b"\r\n\r") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let asked = self.note(&String::from_utf8_lossy(&head));
        let answer = (self.script)(&asked);
        if !matches!(answer.fault, Fault::Reset(_)) {
            stream.read_exact(&mut byte)?;
        }
        self.reply(&mut stream, &answer)
    }

    fn note(&self, head: &str) -> Asked {
        let mut lines = head.lines();
        let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut all = self.asked.lock().unwrap();
        let asked = Asked { number: all.len(), path, headers };
        all.push(asked.clone());
        asked
    }

    fn reply(&self, stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", answer.status);
        for (name, value) in &answer.headers {
            head += &format!("{name}: {value}\r\n");
        }
        match answer.framing {
            Framing::Length => head += &format!("Content-Length: {}\r\n", answer.body.len()),
            Framing::Declared(length) => head += &format!("Content-Length: {length}\r\n"),
            Framing::Chunked => head += "Transfer-Encoding: chunked\r\n",
            Framing::Nothing => {}
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        let limit = match answer.fault {
            Fault::None => answer.body.len(),
            Fault::Cut(at) | Fault::Reset(at) | Fault::Stall(at) | Fault::Drip(at) => at.min(answer.body.len()),
        };
        for piece in answer.body[..limit].chunks(16 * 1024) {
            self.send(stream, piece, answer.framing)?;
        }
        match answer.fault {
            Fault::None if answer.framing == Framing::Chunked => stream.write_all(b"0\r\n\r\n")?,
            Fault::Stall(_) => self.until_the_client_goes(stream)?,
            Fault::Drip(_) => {
                for byte in answer.body[limit..].chunks(1) {
                    self.send(stream, byte, answer.framing)?;
                    thread::sleep(Duration::from_millis(2));
                }
            }
            // Lets the bytes arrive before the reset overtakes them.
            Fault::Reset(_) => thread::sleep(Duration::from_millis(5)),
            Fault::None | Fault::Cut(_) => {}
        }
        Ok(())
    }

    fn send(&self, stream: &mut TcpStream, piece: &[u8], framing: Framing) -> std::io::Result<()> {
        if framing == Framing::Chunked {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        }
        stream.write_all(piece)?;
        if framing == Framing::Chunked {
            stream.write_all(b"\r\n")?;
        }
        let sent = self.sent.fetch_add(piece.len() as u64, Ordering::SeqCst) + piece.len() as u64;
        if let Some(call) = self.pieces.lock().unwrap().as_mut() {
            call(sent);
        }
        Ok(())
    }

    fn until_the_client_goes(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_millis(5)))?;
        let mut byte = [0];
        while !self.over.load(Ordering::SeqCst) {
            match stream.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
