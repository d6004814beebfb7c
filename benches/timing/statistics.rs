//! Welch's t-test, of all times and of the shorter ones.

/// How many percentiles times are cropped at.
const CROPS: i32 = 30;

/// Mean and variance of two classes, by Welford's recurrence.
#[derive(Clone, Copy, Default)]
struct Welch {
    count: [f64; 2],
    mean: [f64; 2],
    squares: [f64; 2],
}

impl Welch {
    fn add(&mut self, class: usize, value: f64) {
        self.count[class] += 1.0;
        let off = value - self.mean[class];
        self.mean[class] += off / self.count[class];
        self.squares[class] += off * (value - self.mean[class]);
    }

    /// By how much the second class's mean is above the first's, and t; none before there is enough
    /// to say.
    fn t(&self) -> Option<(f64, f64)> {
        if self.count.iter().any(|&count| count < 1_000.0) {
            return None;
        }
        let error: f64 = self.squares.iter().zip(self.count).map(|(squares, count)| squares / (count - 1.0) / count).sum();
        let difference = self.mean[1] - self.mean[0];
        Some((difference, if error > 0.0 { difference / error.sqrt() } else { 0.0 }))
    }
}

/// A t-test of all times and one for each crop.
pub(crate) struct Tests {
    crops: Vec<(u64, Welch)>,
}

impl Tests {
    /// With the percentiles of these times as crops, which are dense at the long ones: 1 - 2^(-10 k
    /// / 30).
    pub(crate) fn new(times: &[(usize, u64)]) -> Self {
        let mut sorted: Vec<u64> = times.iter().map(|&(_, time)| time).collect();
        sorted.sort_unstable();
        let count = f64::from(u32::try_from(sorted.len()).unwrap());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
        let at = |crop: i32| (count * (1.0 - 0.5_f64.powf(10.0 * f64::from(crop) / f64::from(CROPS)))) as usize;
        let mut limits: Vec<u64> = (1..=CROPS).map(|crop| sorted[at(crop).min(sorted.len() - 1)]).chain([u64::MAX]).collect();
        limits.dedup();
        Self { crops: limits.into_iter().map(|limit| (limit, Welch::default())).collect() }
    }

    pub(crate) fn add(&mut self, class: usize, time: u64) {
        #[expect(clippy::cast_precision_loss, reason = "times are far below 2^52")]
        let value = time as f64;
        for (_, test) in self.crops.iter_mut().filter(|(limit, _)| time <= *limit) {
            test.add(class, value);
        }
    }

    /// How many times there are.
    pub(crate) fn count(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let count = self.crops.last().map_or(0.0, |(_, test)| test.count.iter().sum()) as usize;
        count
    }

    /// The mean of the crop nearest to the median.
    pub(crate) fn mean(&self) -> f64 {
        self.crops.get(self.crops.len() / 10).map_or(0.0, |(_, test)| test.mean.iter().sum::<f64>() / 2.0)
    }

    /// The largest |t| of all crops, and the difference of means there.
    pub(crate) fn worst(&self) -> (f64, f64) {
        let tests = self.crops.iter().filter_map(|(_, test)| test.t());
        tests.map(|(difference, t)| (t.abs(), difference)).max_by(|one, other| one.0.total_cmp(&other.0)).unwrap_or_default()
    }
}
