//! How far we are: a bar on a terminal, plain lines anywhere else.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows the progress of a plan.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    done: f64,
    total: f64,
}

impl Progress {
    /// For a plan of `total` seconds.
    pub fn new(total: f64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total.ceil() as u64);
            let style = ProgressStyle::with_template(
                "{elapsed_precise} {bar:30} {percent:>3} %  {msg}",
            );
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Progress { bar, done: 0.0, total }
    }

    /// A step begins.
    pub fn begin(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => {
                let percent = 100.0 * self.done / self.total.max(1.0);
                eprintln!("{percent:>3.0} %  {what}");
            }
        }
    }

    /// A step of `seconds` has ended.
    pub fn end(&mut self, seconds: f64) {
        self.done += seconds;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done as u64);
        }
    }

    /// Says something that is to stay.
    pub fn say(&self, sentence: &str) {
        match &self.bar {
            Some(bar) => bar.println(sentence),
            None => eprintln!("{sentence}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
