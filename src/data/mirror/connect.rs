//! From an address to a store. Credentials and endpoints come only from the environment, under the names that each
//! service's own tools use; on a cloud instance, its role is used.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::address::{Address, Service};
use super::error::{MirrorError, understood};
use crate::util::fs::create_dir_all;

/// A store, and how an upload to it is verified.
pub(super) struct Connected {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) base: ObjectPath,
    pub(super) is_verified_by_service: bool,
}

/// Sends no request yet, so the store may be down.
pub(super) fn connect(address: &Address) -> Result<Connected, MirrorError> {
    let shown = address.to_string();
    let built = |built: object_store::Result<Arc<dyn ObjectStore>>| {
        built.map_err(|error| match understood(&shown, "setting up", "", &error) {
            // No request was sent yet: something is wrong in the environment.
            MirrorError::Unreachable { mirror, action, problem } => {
                MirrorError::Refuses { mirror, action, kind: super::error::Refusal::Credentials, problem }
            }
            other => other,
        })
    };
    let (store, prefix, is_verified_by_service) = match address {
        Address::Folder(path) => {
            create_dir_all(path)?;
            (
                built(LocalFileSystem::new_with_prefix(path).map(|store| shared(store.with_automatic_cleanup(true))))?,
                "",
                false,
            )
        }
        Address::Bucket { service: Service::S3, bucket, prefix } => {
            let (builder, is_amazon) = s3(bucket);
            (built(builder.build().map(shared))?, prefix.as_str(), is_amazon)
        }
        Address::Bucket { service: Service::Google, bucket, prefix } => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
            let builder = builder.with_retry(retry()).with_client_options(client(false));
            (built(builder.build().map(shared))?, prefix.as_str(), false)
        }
        Address::Bucket { service: Service::Azure, bucket, prefix } => {
            let builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket);
            let builder = builder.with_retry(retry()).with_client_options(client(false));
            (built(builder.build().map(shared))?, prefix.as_str(), false)
        }
    };
    let base = ObjectPath::parse(prefix).unwrap_or_default();
    Ok(Connected { store, base, is_verified_by_service })
}

fn shared(store: impl ObjectStore) -> Arc<dyn ObjectStore> {
    Arc::new(store)
}

/// Amazon's own service compares a SHA-256 that is sent with each part and with the whole. Compatible services may not,
/// and some refuse the header.
fn s3(bucket: &str) -> (AmazonS3Builder, bool) {
    let builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    let set = |key: AmazonS3ConfigKey| builder.get_config_value(&key);
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let endpoint = variable("AWS_ENDPOINT_URL_S3")
        .or_else(|| variable("AWS_ENDPOINT_URL"))
        .or_else(|| set(AmazonS3ConfigKey::Endpoint));
    let has_region = set(AmazonS3ConfigKey::Region).is_some();
    let is_plain = endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let builder = builder.with_retry(retry()).with_client_options(client(is_plain)).with_allow_http(is_plain);
    let builder = match variable("AWS_DEFAULT_REGION") {
        Some(region) if !has_region => builder.with_region(region),
        _ => builder,
    };
    match endpoint {
        Some(endpoint) => (builder.with_endpoint(endpoint), false),
        None => (builder.with_checksum_algorithm(Checksum::SHA256), true),
    }
}

/// Small, so that the two layers of retries do not multiply: this one bridges a hiccup of one request; the copying
/// thread waits longer and longer between its rounds.
fn retry() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: Duration::from_secs(2), base: 2.0 };
    RetryConfig { backoff, max_retries: 2, retry_timeout: Duration::from_secs(20) }
}

/// One request moves at most 8 MB: within the timeout, a connection of 1 Mbit/s moves four of them at once.
fn client(allow_http: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(allow_http)
        .with_connect_timeout(Duration::from_secs(5))
        .with_timeout(Duration::from_secs(300))
}
