//! An in-memory store that fails, lies or refuses on demand. For tests.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    None,
    /// It is not carried out.
    Fails,
    /// It is carried out, but the answer is lost.
    FailsAfter,
    /// It is not allowed.
    Forbidden,
    /// One byte arrives changed.
    Flips,
}

pub(super) type Script = Box<dyn Fn(usize, &str) -> Fault + Send>;

/// A store with a script: for each writing request by its number and text.
pub(super) struct Scripted {
    inner: InMemory,
    script: Mutex<Script>,
    log: Mutex<Vec<String>>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Scripted")
    }
}

impl fmt::Display for Scripted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("scripted")
    }
}

impl Scripted {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: InMemory::new(),
            script: Mutex::new(Box::new(|_, _| Fault::None)),
            log: Mutex::default(),
        })
    }

    pub(super) fn follow(&self, script: impl Fn(usize, &str) -> Fault + Send + 'static) {
        self.log.lock().unwrap().clear();
        *self.script.lock().unwrap() = Box::new(script);
    }

    fn fate(&self, request: String) -> Fault {
        let mut log = self.log.lock().unwrap();
        let fate = self.script.lock().unwrap()(log.len(), &request);
        log.push(request);
        fate
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

fn failure(fault: Fault, path: &ObjectPath) -> Error {
    match fault {
        Fault::Forbidden => Error::PermissionDenied { path: path.to_string(), source: "403".into() },
        _ => Error::Generic { store: "scripted", source: "the connection was dropped".into() },
    }
}

#[async_trait]
impl ObjectStore for Scripted {
    async fn put_opts(&self, place: &ObjectPath, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        match self.fate(format!("put {place}")) {
            Fault::None => self.inner.put_opts(place, payload, options).await,
            Fault::FailsAfter => {
                self.inner.put_opts(place, payload, options).await?;
                Err(failure(Fault::FailsAfter, place))
            }
            Fault::Flips => {
                let mut bytes: Vec<u8> = payload.iter().flat_map(|piece| piece.to_vec()).collect();
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                self.inner.put_opts(place, bytes.into(), options).await
            }
            fault => Err(failure(fault, place)),
        }
    }

    async fn put_multipart_opts(
        &self,
        place: &ObjectPath,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(place, options).await
    }

    async fn get_opts(&self, place: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(place, options).await
    }

    fn delete_stream(&self, places: BoxStream<'static, Result<ObjectPath>>) -> BoxStream<'static, Result<ObjectPath>> {
        // The script is asked before the store: a stream outlives this borrow.
        let places = futures_util::FutureExt::now_or_never(places.collect::<Vec<_>>()).unwrap();
        let asked: Vec<_> = places
            .into_iter()
            .map(|place| {
                let place = place?;
                match self.fate(format!("delete {place}")) {
                    Fault::None => Ok(place),
                    fault => Err(failure(fault, &place)),
                }
            })
            .collect();
        self.inner.delete_stream(futures_util::stream::iter(asked).boxed())
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &ObjectPath, to: &ObjectPath, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
