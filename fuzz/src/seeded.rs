//! A generator whose numbers follow from its seed: inputs draw the same ones whenever they are run.

use std::convert::Infallible;

use keyfob::rand_core::{TryCryptoRng, TryRng};

#[derive(Clone)]
pub(crate) struct Seeded(pub(crate) u64);

impl TryRng for Seeded {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        Ok(self.0)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.iter_mut().try_for_each(|byte| self.try_next_u32().map(|number| *byte = (number >> 24) as u8))
    }
}

impl TryCryptoRng for Seeded {}
