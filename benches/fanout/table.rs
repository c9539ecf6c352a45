//! One run as a line of a table.

use std::fmt;
use std::time::Duration;

use crate::crowd::Tally;
use crate::proc::Work;
use crate::server::Shape;

/// What was measured in one run.
pub(crate) struct Row {
    /// The server.
    pub(crate) shape: Shape,
    /// Posts a second.
    pub(crate) rate: u32,
    /// How long it took until everything was delivered or given up.
    pub(crate) took: Duration,
    /// What the server did in that time.
    pub(crate) work: Work,
    /// How many deliveries there should have been.
    pub(crate) expected: u64,
    /// What the readers saw.
    pub(crate) tally: Tally,
}

impl Row {
    /// What the columns are: times a delivery are the server's; the latency
    /// is in milliseconds from the instant a post was due; lost are all that
    /// were not delivered in order.
    pub(crate) const HEAD: &str = concat!(
        "server            posts/s  delivered/s  µs/delivery  switches  ",
        "   p50     p99     max ms       lost  disordered  closed"
    );
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { delivered, disordered, closed, ref latency } = self.tally;
        let each = delivered.max(1) as f64;
        let ms = |q| latency.value_at_quantile(q) as f64 / 1e3;
        write!(
            f,
            "{:16}  {:7}  {:11.0}  {:11.2}  {:8.4}  {:6.2}  {:6.2}  {:9.2}  \
             {:9}  {:10}  {:6}",
            self.shape.name(),
            self.rate,
            each / self.took.as_secs_f64(),
            self.work.time.as_secs_f64() * 1e6 / each,
            self.work.switches as f64 / each,
            ms(0.5),
            ms(0.99),
            latency.max() as f64 / 1e3,
            self.expected - delivered,
            disordered,
            closed,
        )
    }
}
