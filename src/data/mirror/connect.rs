//! From an address to a store. Credentials and endpoints come only from the environment, under the names that each
//! service's own tools use; on a cloud instance, its role is used.

use std::ffi::OsString;
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
use super::variable;
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
        // No request was sent yet, so it is not the service that said no.
        built.map_err(|error| match understood(&shown, "setting up", "", &error) {
            MirrorError::Unreachable { mirror, problem, .. } | MirrorError::Refuses { mirror, problem, .. } => {
                MirrorError::Setup { mirror, problem }
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
            variable::check(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"], variable::address)?;
            variable::check(&["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"], variable::of_header)?;
            variable::check(&["AWS_REGION", "AWS_DEFAULT_REGION"], variable::of_host)?;
            let (builder, is_amazon) = s3(bucket);
            (built(builder.build().map(shared))?, prefix.as_str(), is_amazon)
        }
        Address::Bucket { service: Service::Google, bucket, prefix } => {
            variable::check(&["GOOGLE_BASE_URL"], variable::address)?;
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
            let builder = builder.with_retry(retry()).with_client_options(client(false));
            (built(builder.build().map(shared))?, prefix.as_str(), false)
        }
        Address::Bucket { service: Service::Azure, bucket, prefix } => {
            variable::check(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"], variable::address)?;
            variable::check(&["AZURE_STORAGE_AUTHORITY_HOST", "AZURE_AUTHORITY_HOST"], variable::address)?;
            variable::check(&["AZURE_STORAGE_TOKEN"], variable::of_header)?;
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
    let builder = from_environment().with_bucket_name(bucket);
    let set = |key: AmazonS3ConfigKey| builder.get_config_value(&key);
    let endpoint = variable::value("AWS_ENDPOINT_URL_S3")
        .or_else(|| variable::value("AWS_ENDPOINT_URL"))
        .or_else(|| set(AmazonS3ConfigKey::Endpoint));
    let has_region = set(AmazonS3ConfigKey::Region).is_some();
    let is_plain = endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let builder = builder.with_retry(retry()).with_client_options(client(is_plain)).with_allow_http(is_plain);
    let builder = match variable::value("AWS_DEFAULT_REGION") {
        Some(region) if !has_region => builder.with_region(region),
        _ => builder,
    };
    match endpoint {
        Some(endpoint) => (builder.with_endpoint(endpoint), false),
        None => (builder.with_checksum_algorithm(Checksum::SHA256), true),
    }
}

/// As `AmazonS3Builder::from_env`, but a variable with an empty value counts as unset: an empty endpoint is none.
fn from_environment() -> AmazonS3Builder {
    let known = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("AWS_"))?;
        let value = value.into_string().ok().filter(|value| !value.is_empty())?;
        Some((name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().ok()?, value))
    };
    let found = std::env::vars_os().filter_map(known);
    found.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
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
