//! Numbers that look random and are the same for the same seed.

/// A small generator of numbers: nobody needs good ones, only the same again.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same seed, the same numbers.
    pub fn new(seed: u64) -> Dice {
        Dice((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// The same, where a u32 is wanted.
    pub fn small(&mut self, sides: u32) -> u32 {
        u32::try_from(self.roll(u64::from(sides))).unwrap_or_default()
    }

    /// So many bytes; other bytes each time.
    pub fn bytes(&mut self, count: u64) -> Vec<u8> {
        let count = usize::try_from(count).unwrap_or_default();
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend(self.roll(u64::MAX).to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// One of several.
    pub fn choose<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let number = self.roll(all.len().max(1) as u64);
        all.get(usize::try_from(number).unwrap_or_default())
    }
}
