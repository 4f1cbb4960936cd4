//! Pictures of radar data: frames, forecasts beside what was observed, films, timelines and histograms.
//!
//! ```text
//! colours   the colours of values            frame          a frame, and how it becomes pixels
//! forecast  observed beside predicted        contact_sheet  frames of an event side by side
//! animation an event as a film               film           a GIF being written
//! timeline  the times of events              histogram      how often each value occurs
//! error_maps  maps of forecast errors
//! ```

pub mod animation;
pub mod colours;
pub mod contact_sheet;
pub mod error_maps;
mod film;
pub mod forecast;
pub mod frame;
pub mod histogram;
pub mod timeline;
