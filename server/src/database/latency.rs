//! How long batches of work on a database take, for the metrics.

use std::time::Instant;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

/// The upper bounds of the histogram.
const BUCKET_SECONDS: [f64; 11] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The label `work` with its value.
type Work = [(&'static str, &'static str); 1];

/// Seconds by work: `read`, `search` and `write`. Clones share them.
pub(crate) type Latency = Family<Work, Histogram, fn() -> Histogram>;

/// A histogram without any batch yet.
pub(crate) fn latency() -> Latency {
    Family::new_with_constructor(|| Histogram::new(BUCKET_SECONDS))
}

/// Does the work and records how long it takes under this name.
pub(crate) fn observed<T>(latency: &Latency, name: &'static str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    latency.get_or_create(&[("work", name)]).observe(began.elapsed().as_secs_f64());
    done
}
