//! A mirror for its users: names below one prefix, without `async`. A call ends when it is done, when it fails, when
//! its time is up, or when another thread cancels it.
//!
//! What is verified where:
//! - an uploaded file is hashed while it is read, and the hash is returned: the caller, who knows what it must be,
//!   compares;
//! - on Amazon S3 the service compares the SHA-256 of each part with what arrived, so only the size is checked
//!   afterwards;
//! - everywhere else, including compatible services, [`Remote::verify`] reads every byte back and hashes it;
//! - a downloaded file is hashed while it is written, and synced before it is acknowledged.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path as ObjectPath;
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, WriteMultipart,
};
use tokio::runtime::Runtime;

use super::address::Address;
use super::cancel::Cancel;
use super::connect::{Connected, connect};
use super::entry::{Entry, Expected, Version, entry};
use super::error::{MirrorError, understood};
use crate::util::fs::{FsError, sync_file_system};
use crate::util::sha256::{Digest, Hasher};

/// Bytes of a part, and of each read when reading back.
const PART_BYTES: usize = 8 << 20;
/// Parts in flight at the same time.
const PARALLEL: usize = 4;

/// Network threads; they end without waiting for the network.
struct Network(Option<Runtime>);

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A mirror. Clones share its connections.
#[derive(Clone)]
pub struct Remote {
    store: Arc<dyn ObjectStore>,
    base: ObjectPath,
    shown: String,
    network: Arc<Network>,
    is_verified_by_service: bool,
    folder: Option<PathBuf>,
    cancel: Cancel,
    until: Option<Instant>,
    moved: Arc<AtomicU64>,
}

impl Remote {
    /// Prepares the connection to a mirror, without sending a request yet.
    ///
    /// # Errors
    /// If the environment is incomplete or the folder can't be created.
    pub fn open(address: &Address) -> Result<Self, MirrorError> {
        let Connected { store, base, is_verified_by_service } = connect(address)?;
        let remote = Self::with_store(store, base.as_ref(), &address.to_string())?;
        let folder = match address {
            Address::Folder(path) => Some(path.clone()),
            Address::Bucket { .. } => None,
        };
        Ok(Self { is_verified_by_service, folder, ..remote })
    }

    /// A mirror in a store that the caller has set up.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn with_store(store: Arc<dyn ObjectStore>, prefix: &str, shown: &str) -> Result<Self, MirrorError> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).thread_name("mirror").enable_all().build();
        let runtime = runtime.map_err(FsError::at("start threads for", Path::new(shown)))?;
        Ok(Self {
            store,
            base: ObjectPath::from(prefix),
            shown: shown.to_owned(),
            network: Arc::new(Network(Some(runtime))),
            is_verified_by_service: false,
            folder: None,
            cancel: Cancel::default(),
            until: None,
            moved: Arc::default(),
        })
    }

    /// The same mirror, whose calls end at a deadline or when they are cancelled.
    #[must_use]
    pub fn bounded(&self, cancel: &Cancel, until: Option<Instant>) -> Self {
        Self { cancel: cancel.clone(), until, ..self.clone() }
    }

    /// Its address, for people.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Bytes transferred so far, in both directions and by all clones: if this does not grow, nothing happens.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// The names directly below a place that have something below them.
    ///
    /// # Errors
    /// If the mirror can't be asked.
    pub fn folders(&self, below: &str) -> Result<Vec<String>, MirrorError> {
        let place = self.place(below);
        let found = self.wait("listing", below, self.store.list_with_delimiter(Some(&place)))?;
        let last = |prefix: &ObjectPath| prefix.filename().map(str::to_owned);
        Ok(found.common_prefixes.iter().filter_map(last).collect())
    }

    /// Everything below a place, by names below it.
    ///
    /// # Errors
    /// If the mirror can't be asked.
    pub fn list(&self, below: &str) -> Result<Vec<Entry>, MirrorError> {
        let place = self.place(below);
        let found: Vec<ObjectMeta> = self.wait("listing", below, self.store.list(Some(&place)).try_collect())?;
        let mut entries: Vec<Entry> = found.iter().filter_map(|meta| entry(&place, meta)).collect();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// The object of a name, if there is one.
    ///
    /// # Errors
    /// If the mirror can't be asked.
    pub fn look(&self, name: &str) -> Result<Option<Entry>, MirrorError> {
        let place = self.place(name);
        match self.wait("looking", name, self.store.head(&place)) {
            Ok(meta) => Ok(entry(&self.base, &meta)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A small object as a whole, with its entry, if there is one.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn read(&self, name: &str) -> Result<Option<(Vec<u8>, Entry)>, MirrorError> {
        let place = self.place(name);
        let read = async {
            let got = self.store.get(&place).await?;
            let meta = got.meta.clone();
            Ok((got.bytes().await?, meta))
        };
        match self.wait("reading", name, read) {
            Ok((bytes, meta)) => Ok(entry(&self.base, &meta).map(|entry| (bytes.to_vec(), entry))),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a small object if the condition holds, and returns its version.
    ///
    /// # Errors
    /// [`MirrorError::Changed`] if the condition does not hold, [`MirrorError::Unsupported`] if the store can't check
    /// it.
    pub fn write(&self, name: &str, bytes: &[u8], expected: Expected) -> Result<Version, MirrorError> {
        let mode = match expected {
            Expected::Anything => PutMode::Overwrite,
            Expected::Nothing => PutMode::Create,
            Expected::This(Version(version)) => PutMode::Update(version),
        };
        let payload = PutPayload::from(bytes.to_vec());
        let place = self.place(name);
        let put = self.wait("writing", name, self.store.put_opts(&place, payload, mode.into()))?;
        Ok(Version(put.into()))
    }

    /// Uploads this many bytes of an open file, in parts if it is large, and returns their digest.
    ///
    /// # Errors
    /// If the file is too short or can't be read, or the upload fails.
    pub fn send(&self, name: &str, file: &File, bytes: u64) -> Result<Digest, MirrorError> {
        let failed = |error| FsError::at("read", Path::new(name))(error);
        if bytes <= PART_BYTES as u64 {
            let whole = piece(file, 0, bytes).map_err(failed)?;
            let digest = Digest::of(&whole);
            let place = self.place(name);
            self.wait("writing", name, self.store.put(&place, whole.into()))?;
            self.moved.fetch_add(bytes + 1, Ordering::Relaxed);
            return Ok(digest);
        }
        self.send_parts(name, file, bytes)
    }

    fn send_parts(&self, name: &str, file: &File, bytes: u64) -> Result<Digest, MirrorError> {
        let place = self.place(name);
        let mut hasher = Hasher::default();
        let mut unread = None;
        let sent = self.wait("writing", name, async {
            let upload = self.store.put_multipart(&place).await?;
            let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
            let mut done = 0;
            while done < bytes {
                let length = (bytes - done).min(PART_BYTES as u64);
                let next = match piece(file, done, length) {
                    Ok(next) => next,
                    Err(error) => {
                        unread = Some(error);
                        return writer.abort().await;
                    }
                };
                hasher.update(&next);
                done += length;
                if let Err(error) = writer.wait_for_capacity(PARALLEL).await {
                    writer.abort().await.unwrap_or_default();
                    return Err(error);
                }
                writer.put(next);
                // The earlier ones are done, except for the few in flight.
                self.moved.fetch_add(length, Ordering::Relaxed);
            }
            writer.finish().await.map(drop)
        });
        match unread {
            Some(error) => Err(FsError::at("read", Path::new(name))(error).into()),
            None => sent.map(|()| hasher.finish()),
        }
    }

    /// Checks that an object is what was sent: see the module header.
    ///
    /// # Errors
    /// [`MirrorError::Damaged`] if it is not.
    pub fn verify(&self, name: &str, bytes: u64, sha256: Digest) -> Result<(), MirrorError> {
        let (mirror, object) = (self.shown.clone(), name.to_owned());
        let damaged = |problem| Err(MirrorError::Damaged { mirror, object, problem });
        let there = self.look(name)?.map(|entry| entry.bytes);
        if there != Some(bytes) {
            let got = there.map_or_else(|| "nothing".to_owned(), |bytes| format!("{bytes} bytes"));
            return damaged(format!("{got} bytes came back, expected {bytes}"));
        }
        if self.is_verified_by_service {
            return Ok(());
        }
        let mut hasher = Hasher::default();
        self.read_through(name, bytes, |piece| {
            hasher.update(piece);
            Ok(())
        })?;
        match hasher.finish() {
            got if got == sha256 => Ok(()),
            got => damaged(format!("SHA-256 {got} came back, expected {sha256}")),
        }
    }

    /// Downloads an object of a known size into a file, syncs it, and returns its digest.
    ///
    /// # Errors
    /// If it can't be read or written.
    pub fn fetch(&self, name: &str, bytes: u64, to: &Path) -> Result<Digest, MirrorError> {
        let mut file = File::create(to).map_err(FsError::at("create", to))?;
        let mut hasher = Hasher::default();
        self.read_through(name, bytes, |piece| {
            hasher.update(piece);
            file.write_all(piece).map_err(FsError::at("write", to))
        })?;
        file.sync_all().map_err(FsError::at("sync", to))?;
        Ok(hasher.finish())
    }

    /// Reads an object in order, several pieces at once; all of them are of the same version.
    fn read_through(
        &self,
        name: &str,
        bytes: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), FsError>,
    ) -> Result<(), MirrorError> {
        let place = self.place(name);
        let version = match bytes > PART_BYTES as u64 {
            true => self.wait("looking", name, self.store.head(&place))?.e_tag,
            false => None,
        };
        let piece = |start: u64| {
            let end = (start + PART_BYTES as u64).min(bytes);
            let options = GetOptions::new().with_range(Some(GetRange::Bounded(start..end)));
            let (options, place) = (options.with_if_match(version.clone()), &place);
            async move { self.store.get_opts(place, options).await?.bytes().await }
        };
        let mut refused = None;
        let read = self.wait("reading", name, async {
            let mut pieces = stream::iter((0..bytes).step_by(PART_BYTES).map(piece)).buffered(PARALLEL);
            while let Some(next) = pieces.try_next().await? {
                self.moved.fetch_add(next.len() as u64, Ordering::Relaxed);
                if let Err(error) = take(&next) {
                    refused = Some(error);
                    break;
                }
            }
            Ok(())
        });
        refused.map_or(read, |error| Err(error.into()))
    }

    /// Removes an object; it is no error if there is none.
    ///
    /// # Errors
    /// If it can't be removed.
    pub fn remove(&self, name: &str) -> Result<(), MirrorError> {
        let place = self.place(name);
        match self.wait("deleting", name, self.store.delete(&place)) {
            Err(error) if error.is_absent() => Ok(()),
            done => done,
        }
    }

    /// Returns when everything written would survive a power cut. A service answers only then; a folder is synced here.
    ///
    /// # Errors
    /// If the disk failed.
    pub fn settle(&self) -> Result<(), MirrorError> {
        match &self.folder {
            Some(folder) => Ok(sync_file_system(folder)?),
            None => Ok(()),
        }
    }

    fn place(&self, name: &str) -> ObjectPath {
        // What is read as it was written needs no second reading.
        let below = ObjectPath::parse(name).unwrap_or_else(|_| ObjectPath::from(name));
        let whole = [self.base.as_ref(), below.as_ref()].join("/");
        ObjectPath::parse(whole.trim_matches('/')).unwrap_or(below)
    }

    fn wait<T>(
        &self,
        action: &'static str,
        object: &str,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, MirrorError> {
        let mirror = || self.shown.clone();
        let Some(runtime) = &self.network.0 else { return Err(MirrorError::Cancelled { mirror: mirror() }) };
        let cancelled = self.cancel.cancelled();
        let late = async {
            match self.until {
                Some(until) => tokio::time::sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancelled => Err(MirrorError::Cancelled { mirror: mirror() }),
                done = work => done.map_err(|error| understood(&self.shown, action, object, &error)),
                () = late => Err(MirrorError::Unreachable {
                    mirror: mirror(), action, problem: "there was no answer in time".into(),
                }),
            }
        })
    }
}

fn piece(file: &File, at: u64, length: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece, at)?;
    Ok(piece.into())
}
