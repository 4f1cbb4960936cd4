//! What people look at: tables and pictures, from plain arrays.
