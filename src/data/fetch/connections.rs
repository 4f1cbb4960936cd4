//! The connections of one round and the writer behind them: bytes arrive in any order and go through one queue to the
//! disk.
//!
//! Which bytes are requested, and what a failed round means, is decided in `transfer`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use url::Url;

use super::client::{Body, Failure, unless_stopped};
use super::error::FetchError;
use super::part::Part;
use super::range::{Ask, Verdict, judge};
use super::state::Gap;
use super::transfer::Transfer;
use crate::util::fs::FsError;

/// A round that can start: the first connection's work and body, and the work for the others.
pub(super) struct Plan {
    pub(super) first: Gap,
    pub(super) body: Body,
    /// The latest end of the first body.
    pub(super) until: Option<u64>,
    pub(super) framed: bool,
    pub(super) url: Url,
    pub(super) more: VecDeque<Gap>,
    pub(super) connections: usize,
}

/// Bytes on their way to the disk.
struct Chunk {
    start: u64,
    bytes: Vec<u8>,
    /// Its share of the bytes that may wait for the disk, returned when it has been written.
    _room: OwnedSemaphorePermit,
}

/// What the connections of a round share.
struct Round<'a> {
    url: Url,
    ask: Ask,
    queue: RefCell<VecDeque<Gap>>,
    writer: mpsc::UnboundedSender<Chunk>,
    room: Arc<Semaphore>,
    transfer: &'a Transfer<'a>,
}

impl Plan {
    /// Runs the round with its own writer. Always returns the part, settled, and the end of the file if only the end of
    /// a body showed it.
    pub(super) async fn run(
        self,
        transfer: &Transfer<'_>,
        ask: Ask,
        part: Part,
    ) -> (Part, Result<Option<u64>, Failure>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let save_every = transfer.client.context.limits.save_every;
        let writer = tokio::task::spawn_blocking(move || keep(part, receiver, save_every));
        let outcome = self.connect(transfer, ask, sender).await;
        let (part, kept) = match writer.await {
            Ok(returned) => returned,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        match kept {
            Ok(()) => (part, outcome),
            Err(error) => (part, Err(Failure::Fatal(error.into()))),
        }
    }

    /// Runs all connections of a round. Returns the end of the file if only the end of a body showed it.
    async fn connect(
        self,
        transfer: &Transfer<'_>,
        ask: Ask,
        writer: mpsc::UnboundedSender<Chunk>,
    ) -> Result<Option<u64>, Failure> {
        let Plan { first, body, until, framed, url, more, connections } = self;
        let others = more.len().min(connections.saturating_sub(1));
        let room = Arc::new(Semaphore::new(transfer.client.context.limits.queue_bytes));
        let round = Round { url, ask, queue: RefCell::new(more), writer, room, transfer };
        let mut running = FuturesUnordered::new();
        running.push(round.connection(Some((first, until, framed, body))));
        running.extend((0..others).map(|_| round.connection(None)));
        let (mut end, mut trouble) = (None, None);
        while let Some(outcome) = running.next().await {
            match outcome {
                Ok(found) => end = end.or(found),
                // The other connections continue; the rest of this one is back in the queue.
                Err(Failure::Trouble(found)) => trouble = Some(found),
                Err(failure) => return Err(failure),
            }
        }
        let done = round.queue.borrow().is_empty();
        match trouble {
            Some(trouble) if !done => Err(Failure::Trouble(trouble)),
            _ => Ok(end),
        }
    }
}

impl Round<'_> {
    /// One connection: its first body, then anything left in the queue.
    async fn connection(&self, first: Option<(Gap, Option<u64>, bool, Body)>) -> Result<Option<u64>, Failure> {
        let mut end = None;
        if let Some((gap, until, framed, body)) = first {
            end = self.receive(gap, until, framed, body).await?;
        }
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some(gap) = next else { return Ok(end) };
            match self.request(gap).await {
                Ok((until, body)) => self.receive(gap, Some(until), true, body).await?,
                Err(failure) => {
                    self.queue.borrow_mut().push_front(gap);
                    return Err(failure);
                }
            };
        }
    }

    async fn request(&self, gap: Gap) -> Result<(u64, Body), Failure> {
        let ask = Ask { start: gap.start, end: gap.end, ..self.ask.clone() };
        let Transfer { client, source, .. } = self.transfer;
        let reply = source.open_again(client, &self.url, &ask).await?;
        match judge(&ask, &reply.head) {
            Verdict::Part { end, .. } => Ok((end, reply.body)),
            Verdict::Whole => {
                let reason = "the server sent the whole file though a part was asked for".into();
                let same = ask.validator.is_none() || ask.validator == reply.head.validator;
                Err(Failure::StartOver { reason, distrust: same })
            }
            Verdict::StartOver { reason, distrust } => Err(Failure::StartOver { reason, distrust }),
            // A refusal may only mean that there are too many connections.
            _ => Err(Failure::Trouble(client.busy(&reply.head))),
        }
    }

    /// Passes a body to the writer, up to the end of the gap. Returns the end of the file if the gap did not say.
    async fn receive(
        &self,
        gap: Gap,
        until: Option<u64>,
        framed: bool,
        mut body: Body,
    ) -> Result<Option<u64>, Failure> {
        let mut reached = gap.start;
        let outcome = self.pump(&mut reached, gap.end, &mut body).await;
        let Some(end) = gap.end else {
            return outcome.map(|()| Some(reached));
        };
        if reached < end {
            self.queue.borrow_mut().push_front(Gap { start: reached, end: Some(end) });
        }
        outcome?;
        // A server may send less than the requested range; the rest goes back to the queue.
        if reached == end || (framed && until == Some(reached) && reached > gap.start) {
            return Ok(None);
        }
        Err(Failure::network("the connection ended too early"))
    }

    async fn pump(&self, reached: &mut u64, end: Option<u64>, body: &mut Body) -> Result<(), Failure> {
        let context = self.transfer.client.context;
        while end != Some(*reached) {
            let Some(mut bytes) = body.next(context.stop).await? else { break };
            if let Some(end) = end {
                bytes.truncate(usize::try_from(end - *reached).unwrap_or(usize::MAX));
            }
            let (start, count) = (*reached, bytes.len() as u64);
            if let (None, Some(expected)) = (end, self.transfer.size_bytes)
                && start + count > expected
            {
                let (address, found) = (self.transfer.source.address(), start + count);
                return Err(Failure::Fatal(FetchError::Size { address, found, expected }));
            }
            let share = bytes.len().min(context.limits.queue_bytes) as u32;
            let waiting = Arc::clone(&self.room).acquire_many_owned(share);
            let room = unless_stopped(context.stop, waiting).await?;
            // The writer ends only if the disk has failed, and then reports that itself.
            let gone = || Failure::network("the disk failed");
            let chunk = Chunk { start, bytes, _room: room.map_err(|_| gone())? };
            self.writer.send(chunk).map_err(|_| gone())?;
            *reached += count;
            context.progress.advance(count);
        }
        Ok(())
    }
}

/// The writer: writes everything that arrives to the disk, then the state, also when nothing more arrives. It ends
/// after all connections.
fn keep(
    mut part: Part,
    mut arriving: mpsc::UnboundedReceiver<Chunk>,
    save_every: Duration,
) -> (Part, Result<(), FsError>) {
    let runtime = tokio::runtime::Handle::current();
    let mut outcome = Ok(());
    while outcome.is_ok() {
        let next = runtime.block_on(async { tokio::time::timeout(save_every, arriving.recv()).await });
        outcome = match next {
            Ok(Some(chunk)) => part.write(chunk.start, &chunk.bytes),
            Ok(None) => break,
            Err(_) => part.save_rest(),
        };
    }
    drop(arriving);
    // Also after a failed write: what was written before is worth keeping.
    let settled = part.settle();
    (part, outcome.and(settled))
}
