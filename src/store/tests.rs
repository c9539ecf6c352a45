//! Tests of the store, on real files.

mod batches;
mod help;
