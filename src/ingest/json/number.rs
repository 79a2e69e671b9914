//! Checks and reads numbers in one step.

/// A number and its value, if plain arithmetic gives it exactly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    /// All digits as one integer.
    digits: u64,
    /// The number of digits after the point.
    places: usize,
    negative: bool,
    /// The digits fit, and there is no exponent.
    plain: bool,
}

/// More digits than this may not fit into 64 bits.
const MOST_DIGITS: usize = 19;

/// Integers up to this are exact floats, so dividing them by these powers rounds only once.
const MOST_EXACT: u64 = 1 << 53;
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Reads the number at the start of `bytes`; none if it is not a number by RFC 8259. The length covers what
/// was read until then.
#[inline]
pub(super) fn read(bytes: &[u8]) -> (Option<Number>, usize) {
    let negative = bytes.first() == Some(&b'-');
    let begin = usize::from(negative);
    let (mut digits, mut at) = run(bytes, begin, 0);
    let mut count = at - begin;
    if count == 0 {
        return (None, at);
    }
    if bytes[begin] == b'0' && count > 1 {
        // Nothing may follow the zero: what does is not part of the number.
        (digits, at, count) = (0, begin + 1, 1);
    }
    let mut places = 0;
    if bytes.get(at) == Some(&b'.') {
        let point = at + 1;
        (digits, at) = run(bytes, point, digits);
        places = at - point;
        if places == 0 {
            return (None, at);
        }
    }
    let mut plain = count + places <= MOST_DIGITS;
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        plain = false;
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let (_, end) = run(bytes, at, 0);
        if end == at {
            return (None, at);
        }
        at = end;
    }
    let number = Number {
        digits,
        places,
        negative,
        plain,
    };
    (Some(number), at)
}

/// The digits from `at`, appended to those before, and where they end.
#[inline]
fn run(bytes: &[u8], mut at: usize, mut digits: u64) -> (u64, usize) {
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0'))
        && digit < 10
    {
        digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (digits, at)
}

impl Number {
    /// The value; `written` are its bytes.
    #[inline]
    pub(super) fn value(self, written: &[u8]) -> Option<f64> {
        if self.plain && self.digits <= MOST_EXACT && self.places < POWERS.len() {
            let value = self.digits as f64 / POWERS[self.places];
            return Some(if self.negative { -value } else { value });
        }
        std::str::from_utf8(written).ok()?.parse().ok()
    }

    /// The value as a non-negative integer; `4200.0` counts, `0.5` does not.
    #[inline]
    pub(super) fn count(self, written: &[u8]) -> Option<u64> {
        if self.plain && self.places == 0 && !self.negative {
            return Some(self.digits);
        }
        let written = std::str::from_utf8(written).ok()?;
        written.parse::<u64>().ok().or_else(|| {
            let number: f64 = written.parse().ok()?;
            ((0.0..9.0e15).contains(&number) && number.fract() == 0.0).then_some(number as u64)
        })
    }
}
