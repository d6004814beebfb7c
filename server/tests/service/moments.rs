//! Random moments at which programs are killed.

/// Numbers without order, the same at each run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// How often an operator's command is killed: few times, or as often as the variable `KILLS` says.
pub(crate) fn kills() -> u64 {
    std::env::var("KILLS").map_or(5, |text| text.parse().expect("KILLS: a number"))
}
