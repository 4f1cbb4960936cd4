//! Data as plain arrays and files: fetching, unpacking, the prepared store, the loader. Nothing here knows a task or
//! sees a tensor.

mod check;
pub mod config;
pub mod store;
pub mod manifest;
pub mod unpack;
pub mod fetch;
pub mod loader;

pub use check::folder_name;
