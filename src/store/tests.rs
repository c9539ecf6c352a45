//! Tests of the store, on real files.

mod batches;
mod crash;
mod disk;
mod help;
mod model;
mod refusals;
