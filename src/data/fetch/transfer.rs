//! From an empty or partial file to a complete one: rounds of requests with patience between them.
//!
//! A round opens the source once, takes as many connections as the server and the size of the file allow, and ends when
//! nothing is missing or the last connection has broken. The bytes go through one writer, which alone touches the disk.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use url::Url;

use super::budget::Budget;
use super::client::{Body, Client, Failure, Reply, Trouble, unless_stopped};
use super::error::FetchError;
use super::name;
use super::part::Part;
use super::range::{self, Ask, Head, Verdict, judge};
use super::source::Source;
use super::state::{Gap, segments};
use crate::util::fs::{self, FsError};

/// One file to be fetched.
pub struct Transfer<'a> {
    /// The network.
    pub client: &'a Client<'a>,
    /// Where the file is.
    pub source: &'a Source,
    /// Its size, where the configuration tells.
    pub size_bytes: Option<u64>,
    /// Whether the configuration tells its digest.
    pub digest_known: bool,
    /// Where the partial file lies.
    pub folder: &'a Path,
}

/// Bytes on their way to the disk.
struct Chunk {
    start: u64,
    bytes: Vec<u8>,
    /// Its share of the bytes that may wait for the disk, given back when it has been written.
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

/// A round that can begin: the first connection's work and body, and the work for the others.
struct Plan {
    first: Gap,
    body: Body,
    /// Where the first body ends at the latest.
    until: Option<u64>,
    framed: bool,
    url: Url,
    more: VecDeque<Gap>,
    connections: usize,
}

impl Transfer<'_> {
    /// Fetches all that is missing. The part comes back in any case, settled.
    pub async fn run(&self, mut part: Part) -> (Part, Result<(), FetchError>) {
        let context = self.client.context;
        let mut budget = Budget::new(&context.backoff, context.limits.refill_bytes, part.held());
        while !part.is_complete() {
            context.progress.set_position(part.held());
            let (returned, outcome) = self.round(part).await;
            part = returned;
            let trouble = match outcome {
                Ok(()) => break,
                Err(Failure::Fatal(error)) => return (part, Err(error)),
                Err(Failure::Trouble(trouble)) => trouble,
                Err(Failure::StartOver { reason, distrust }) => {
                    tracing::warn!("{}: {reason}; starting from the first byte", self.source.address());
                    part.state.ranges_distrusted |= distrust;
                    if let Err(error) = part.start_over() {
                        return (part, Err(error.into()));
                    }
                    Trouble { cause: reason, demanded: None, refused: true }
                }
            };
            let Some(wait) = budget.fail(part.held(), trouble.demanded, context.clock.jitter()) else {
                let error = trouble.into_error(self.source.address(), &budget, part.held());
                return (part, Err(error));
            };
            tracing::warn!("{}: {}; next try in {:.1} s", self.source.address(), trouble.cause, wait.as_secs_f64());
            if let Err(stopped) = unless_stopped(context.stop, context.clock.sleep(wait)).await {
                return (part, Err(stopped.into()));
            }
        }
        (part, Ok(()))
    }

    async fn round(&self, mut part: Part) -> (Part, Result<(), Failure>) {
        let plan = match self.open(&mut part).await {
            Ok(Some(plan)) => plan,
            Ok(None) => return (part, Ok(())),
            Err(failure) => return (part, Err(failure)),
        };
        let (sender, receiver) = mpsc::unbounded_channel();
        let save_every = self.client.context.limits.save_every;
        let ask = Ask { ranged: true, ..self.ask(&part, Gap { start: 0, end: None }) };
        let writer = tokio::task::spawn_blocking(move || keep(part, receiver, save_every));
        let outcome = self.connect_all(plan, ask, sender).await;
        let (mut part, kept) = match writer.await {
            Ok(returned) => returned,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        if let Err(error) = kept {
            return (part, Err(Failure::Fatal(error.into())));
        }
        let outcome = outcome.and_then(|end| self.conclude(&mut part, end));
        (part, outcome)
    }

    /// Takes the end that a body without a length showed, and checks that nothing is missing.
    fn conclude(&self, part: &mut Part, end: Option<u64>) -> Result<(), Failure> {
        if let Some(end) = end {
            match self.size_bytes {
                Some(expected) if end < expected => return Err(Failure::network("the connection ended too early")),
                _ => part.state.total = Some(end),
            }
            part.save().map_err(|error| Failure::Fatal(error.into()))?;
        }
        if part.is_complete() { Ok(()) } else { Err(Failure::network("the connection ended too early")) }
    }

    fn ask(&self, part: &Part, gap: Gap) -> Ask {
        let state = &part.state;
        Ask {
            start: gap.start,
            end: gap.end.filter(|_| gap.end != state.total),
            ranged: part.held() > 0,
            validator: state.validator.clone(),
            total: state.total.or(self.size_bytes),
            digest_known: self.digest_known,
        }
    }

    /// Opens the source and decides what its reply means. `None` where nothing is missing.
    async fn open(&self, part: &mut Part) -> Result<Option<Plan>, Failure> {
        let provable = part.state.validator.is_some() || self.digest_known;
        if part.held() > 0 && (part.state.ranges_distrusted || !provable) {
            self.start_over(part)?;
        }
        let mut jobs = self.jobs(part, true);
        let Some(first) = jobs.front().copied() else { return Ok(None) };
        let ask = self.ask(part, first);
        let reply = self.source.open(self.client, &ask).await?;
        let mut until = None;
        match judge(&ask, &reply.head) {
            Verdict::Part { end, total } => {
                self.adopt(part, &reply, total)?;
                until = Some(end);
            }
            Verdict::Whole => {
                if !(ask.start == 0 && range::same_file(&ask, &reply.head)) {
                    if part.held() > 0 {
                        tracing::warn!("{} can't continue, starting from the first byte", self.source.address());
                    }
                    self.start_over(part)?;
                    self.adopt(part, &reply, reply.head.length)?;
                    jobs = self.jobs(part, reply.head.offers_ranges);
                }
            }
            Verdict::Complete => {
                part.state.total = Some(ask.start);
                return Ok(None);
            }
            Verdict::StartOver { reason, distrust } => return Err(Failure::StartOver { reason, distrust }),
            Verdict::Busy => return Err(Failure::Trouble(self.client.busy(&reply.head))),
            Verdict::Refused => return Err(Failure::Fatal(self.refused(&reply.head))),
        }
        let connections = self.connections(part);
        let Some(first) = jobs.pop_front() else { return Ok(None) };
        Ok(Some(Plan {
            first,
            body: reply.body,
            until,
            framed: reply.head.framed,
            url: reply.url,
            more: jobs,
            connections,
        }))
    }

    fn start_over(&self, part: &mut Part) -> Result<(), Failure> {
        part.start_over().map_err(|error| Failure::Fatal(error.into()))?;
        self.client.context.progress.set_position(0);
        Ok(())
    }

    fn connections(&self, part: &Part) -> usize {
        let safe = self.source.is_parallel() && part.state.validator.is_some() && !part.state.ranges_distrusted;
        if safe { self.client.context.limits.connections } else { 1 }
    }

    /// What is missing, parted for as many connections as are safe.
    fn jobs(&self, part: &Part, offers_ranges: bool) -> VecDeque<Gap> {
        let connections = if offers_ranges { self.connections(part) } else { 1 };
        segments(&part.state.gaps(), connections, self.client.context.limits.min_segment_bytes).into()
    }

    /// Takes what the reply tells about the file, and makes room for it.
    fn adopt(&self, part: &mut Part, reply: &Reply, total: Option<u64>) -> Result<(), Failure> {
        let fatal = |error: FetchError| Failure::Fatal(error);
        if let (Some(found), Some(expected)) = (total, self.size_bytes)
            && found != expected
        {
            return Err(fatal(FetchError::Size { address: self.source.address(), found, expected }));
        }
        let checkable = self.digest_known || self.size_bytes.is_some();
        if total.is_none() && !reply.head.framed && !checkable {
            return Err(fatal(FetchError::NoLength { address: self.source.address() }));
        }
        part.state.total = total.or(part.state.total);
        part.state.validator = reply.head.validator.clone().or(part.state.validator.take());
        part.state.name = self.name(reply);
        if let Some(total) = part.state.total {
            self.client.context.progress.set_total(total);
        }
        self.make_room(part).map_err(fatal)?;
        part.save().map_err(|error| fatal(error.into()))
    }

    fn name(&self, reply: &Reply) -> Option<String> {
        let own = match self.source {
            Source::Web(url) => name::from_url(url),
            Source::Drive(_) => None,
        };
        let given = reply.head.disposition.as_deref().and_then(name::from_disposition);
        given.or(own).or_else(|| name::from_url(&reply.url))
    }

    fn make_room(&self, part: &Part) -> Result<(), FetchError> {
        let Some(total) = part.state.total.or(self.size_bytes) else { return Ok(()) };
        let reserve = self.client.context.limits.reserve_bytes;
        let needed = total.saturating_sub(part.allocated()?).saturating_add(reserve);
        let free = fs::free_bytes(self.folder)?;
        if free < needed {
            return Err(FetchError::Space { folder: self.folder.to_owned(), free, needed });
        }
        Ok(part.reserve(total)?)
    }

    fn refused(&self, head: &Head) -> FetchError {
        let reason = match head.status {
            401 | 407 => "it wants a password; put user:password@ in front of the host, or give another source",
            403 | 451 => "it is not open to everybody; check the address and its permissions, or give another source",
            404 | 410 => "there is no such file (any more); check the address, or give another source",
            300..=399 => "it redirects to nowhere; check the address",
            _ => "it does not serve this file; check the address, or give another source",
        };
        FetchError::Refused { address: self.source.address(), status: head.status, reason }
    }

    /// Runs all connections of a round. Returns where the file ends, if only the end of a body told.
    async fn connect_all(
        &self,
        plan: Plan,
        ask: Ask,
        writer: mpsc::UnboundedSender<Chunk>,
    ) -> Result<Option<u64>, Failure> {
        let Plan { first, body, until, framed, url, more, connections } = plan;
        let others = more.len().min(connections.saturating_sub(1));
        let room = Arc::new(Semaphore::new(self.client.context.limits.queue_bytes));
        let round = Round { url, ask, queue: RefCell::new(more), writer, room, transfer: self };
        let mut running = FuturesUnordered::new();
        running.push(round.connection(Some((first, until, framed, body))));
        running.extend((0..others).map(|_| round.connection(None)));
        let (mut end, mut trouble) = (None, None);
        while let Some(outcome) = running.next().await {
            match outcome {
                Ok(found) => end = end.or(found),
                // The other connections go on; what this one had left is in the queue again.
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
    /// One connection: its first body, then whatever is left in the queue.
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
            // A refusal here may only mean: not so many connections.
            _ => Err(Failure::Trouble(client.busy(&reply.head))),
        }
    }

    /// Hands a body to the writer, up to the end of the gap. Returns where the file ends, if the gap did not say.
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
        // A server may send less than the range asked for; the rest is in the queue again.
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
            if end.is_none() && self.transfer.size_bytes.is_some_and(|expected| start + count > expected) {
                return Err(Failure::Fatal(self.transfer.too_long(start + count)));
            }
            let share = bytes.len().min(context.limits.queue_bytes) as u32;
            let waiting = Arc::clone(&self.room).acquire_many_owned(share);
            let room = unless_stopped(context.stop, waiting).await?;
            // The writer is gone only when the disk has failed, and then says so itself.
            let gone = || Failure::network("the disk failed");
            let chunk = Chunk { start, bytes, _room: room.map_err(|_| gone())? };
            self.writer.send(chunk).map_err(|_| gone())?;
            *reached += count;
            context.progress.advance(count);
        }
        Ok(())
    }
}

impl Transfer<'_> {
    fn too_long(&self, found: u64) -> FetchError {
        let expected = self.size_bytes.unwrap_or_default();
        FetchError::Size { address: self.source.address(), found, expected }
    }
}

/// The writer: everything that arrives goes to the disk, and the state follows, also while nothing more arrives. It ends
/// when all connections have.
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
    // Also after a failed write: what came before it is worth keeping.
    let settled = part.settle();
    (part, outcome.and(settled))
}
