//! Confidence intervals of rates and of their differences.

/// A difference or shift, with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub lo: f64,
    pub hi: f64,
}

/// `hits` out of `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    pub hits: u64,
    pub n: u64,
}

impl Rate {
    /// 0 if `n` is 0: check `n` first.
    pub fn value(self) -> f64 {
        self.hits as f64 / (self.n.max(1)) as f64
    }
}

/// Paired outcomes, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pairs {
    pub both: u64,
    pub only_a: u64,
    pub only_b: u64,
    pub neither: u64,
}

impl Pairs {
    pub fn n(self) -> u64 {
        self.both + self.only_a + self.only_b + self.neither
    }

    pub fn a(self) -> Rate {
        Rate {
            hits: self.both + self.only_a,
            n: self.n(),
        }
    }

    pub fn b(self) -> Rate {
        Rate {
            hits: self.both + self.only_b,
            n: self.n(),
        }
    }

    /// The share of pairs whose two sides differ.
    pub fn discordance(self) -> f64 {
        (self.only_a + self.only_b) as f64 / self.n().max(1) as f64
    }
}

/// Wilson's score interval of a rate. `z` comes from [`super::distribution::two_sided`].
pub fn wilson(rate: Rate, z: f64) -> (f64, f64) {
    if rate.n == 0 {
        return (0.0, 1.0);
    }
    let n = rate.n as f64;
    let p = rate.value();
    let spread = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / spread;
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / spread;
    let lo = if rate.hits == 0 {
        0.0
    } else {
        (centre - half).max(0.0)
    };
    let hi = if rate.hits == rate.n {
        1.0
    } else {
        (centre + half).min(1.0)
    };
    (lo, hi)
}

/// The difference B − A of two independent rates (Newcombe 1998, method 10: hybrid score).
pub fn newcombe(a: Rate, b: Rate, z: f64) -> Estimate {
    let (p1, p2) = (a.value(), b.value());
    let ((l1, u1), (l2, u2)) = (wilson(a, z), wilson(b, z));
    let value = p2 - p1;
    Estimate {
        value,
        lo: value - ((p2 - l2).powi(2) + (u1 - p1).powi(2)).sqrt(),
        hi: value + ((u2 - p2).powi(2) + (p1 - l1).powi(2)).sqrt(),
    }
}

/// The difference B − A of two rates over the same tasks (Newcombe 1998, paired method 10 with the
/// φ correction).
pub fn newcombe_paired(pairs: Pairs, z: f64) -> Estimate {
    let n = pairs.n() as f64;
    let (a, b) = (pairs.a(), pairs.b());
    let ((la, ua), (lb, ub)) = (wilson(a, z), wilson(b, z));
    let (pa, pb) = (a.value(), b.value());
    let [both, only_a, only_b, neither] =
        [pairs.both, pairs.only_a, pairs.only_b, pairs.neither].map(|count| count as f64);
    let margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither);
    let association = both * neither - only_a * only_b;
    let phi = if margins == 0.0 {
        0.0
    } else if association > 0.0 {
        (association - n / 2.0).max(0.0) / margins.sqrt()
    } else {
        association / margins.sqrt()
    };
    let value = pb - pa;
    let reach = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).max(0.0).sqrt();
    Estimate {
        value,
        lo: value - reach(pb - lb, ua - pa),
        hi: value + reach(ub - pb, pa - la),
    }
}
