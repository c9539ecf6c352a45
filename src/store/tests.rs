//! Tests of the store, on real files.

mod batches;
mod crash;
mod disk;
mod faults;
mod help;
mod model;
mod refusals;
