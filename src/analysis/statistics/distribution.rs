//! The normal distribution and Student's t, as tests and intervals need them.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The `p` quantile of the standard normal distribution, for 0 < p < 1.
pub fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// The upper tail probability of the standard normal distribution at `z`.
pub fn normal_tail(z: f64) -> f64 {
    Normal::standard().sf(z)
}

/// The half width of a two-sided interval in standard errors: 1.96 for an `alpha` of 0.05.
pub fn two_sided(alpha: f64) -> f64 {
    normal_quantile(1.0 - alpha / 2.0)
}

/// Like [`two_sided`] for Student's t. Infinite without degrees of freedom.
pub fn student_two_sided(alpha: f64, freedom: f64) -> f64 {
    let Ok(student) = StudentsT::new(0.0, 1.0, freedom) else {
        return f64::INFINITY;
    };
    let wanted = 1.0 - alpha / 2.0;
    // The library's inverse is accurate to about eight digits. Newton steps add the rest.
    let mut t = student.inverse_cdf(wanted);
    for _ in 0..2 {
        let density = statrs::distribution::Continuous::pdf(&student, t);
        if density > 0.0 {
            t += (student.sf(t) - alpha / 2.0) / density;
        }
    }
    t
}

/// The two-sided p-value of `t`.
pub fn student_p(t: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(1.0, |student| (2.0 * student.sf(t.abs())).min(1.0))
}
