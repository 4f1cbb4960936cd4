//! From an empty or partial file to a complete one: rounds of requests with waits between them.
//!
//! A round opens the source once, uses as many connections as the server and the size of the file allow, and ends when
//! nothing is missing or the last connection has broken. `connections` has the details.

use std::collections::VecDeque;
use std::path::Path;

use super::budget::Budget;
use super::client::{Client, Failure, Reply, Trouble, wait_for_next_try};
use super::connections::Plan;
use super::error::FetchError;
use super::name;
use super::part::Part;
use super::range::{self, Ask, Head, Verdict, judge};
use super::source::Source;
use super::state::{Gap, segments};
use crate::util::fs;

/// One file to be fetched.
pub struct Transfer<'a> {
    /// The network.
    pub client: &'a Client<'a>,
    /// The place of the file.
    pub source: &'a Source,
    /// Its size, if configured.
    pub size_bytes: Option<u64>,
    /// Whether its digest is configured.
    pub digest_known: bool,
    /// The place of the partial file.
    pub folder: &'a Path,
}

impl Transfer<'_> {
    /// Fetches everything missing. Always returns the part, settled.
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
                    Trouble { cause: reason, demanded: None, refused: true, unknown_host: false }
                }
            };
            let Some(wait) = budget
                .fail(part.held(), trouble.demanded, context.clock.jitter())
                .filter(|_| !trouble.is_final(budget.failed))
            else {
                let error = trouble.into_error(self.source.address(), &budget, part.held());
                return (part, Err(error));
            };
            tracing::warn!("{}: {}; next try in {:.1} s", self.source.address(), trouble.cause, wait.as_secs_f64());
            if let Err(stopped) = wait_for_next_try(context, wait, &trouble.cause).await {
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
        let ask = Ask { ranged: true, ..self.ask(&part, Gap { start: 0, end: None }) };
        let (mut part, outcome) = plan.run(self, ask, part).await;
        let outcome = outcome.and_then(|end| self.conclude(&mut part, end));
        (part, outcome)
    }

    /// Records the length if only the end of the body showed it, and checks that nothing is missing.
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

    /// Opens the source and decides what its reply means. `None` if nothing is missing.
    async fn open(&self, part: &mut Part) -> Result<Option<Plan>, Failure> {
        let known_by_size = self.source.is_known_by_size() && part.state.total.is_some();
        let provable = part.state.validator.is_some() || self.digest_known || known_by_size;
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

    /// What is missing, split for as many connections as are safe.
    fn jobs(&self, part: &Part, offers_ranges: bool) -> VecDeque<Gap> {
        let connections = if offers_ranges { self.connections(part) } else { 1 };
        segments(&part.state.gaps(), connections, self.client.context.limits.min_segment_bytes).into()
    }

    /// Records what the reply says about the file, and reserves space for it.
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
            401 | 407 => {
                "it needs a password, which fragua does not send; download the file yourself and give it as `path`, or give another source"
            }
            403 | 451 => "access is denied; check the address and its permissions, or give another source",
            404 | 410 => "there is no such file, or no longer; check the address, or give another source",
            300..=399 => "it redirects to nowhere; check the address",
            _ => "it does not serve this file; check the address, or give another source",
        };
        FetchError::Refused { address: self.source.address(), status: head.status, reason }
    }
}
