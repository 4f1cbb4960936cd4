//! Data as plain arrays and files: fetching, unpacking, the prepared stores, the loader. Nothing here knows a task or
//! sees a tensor.

pub mod acquire;
mod check;
pub mod config;
pub mod disk;
pub mod fetch;
mod html;
pub mod loader;
pub mod manifest;
pub mod mirror;
pub mod numpy;
pub mod pack;
pub mod prepare;
pub mod split;
pub mod store;
pub mod synthetic;
pub mod unpack;

pub use check::folder_name;
