//! The whole configuration: reading, overriding, checking, showing.
