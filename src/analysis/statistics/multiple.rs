//! Multiple comparisons: adjusts p-values for how many there are.

/// Benjamini and Hochberg 1995. Calling everything below `q` a change keeps the expected share of
/// false discoveries at or below `q`, under independence or positive dependence.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    step_up(p, 1.0)
}

/// Benjamini and Yekutieli 2001. As above under any dependence, at the cost of power.
pub fn benjamini_yekutieli(p: &[f64]) -> Vec<f64> {
    step_up(p, (1..=p.len()).map(|rank| 1.0 / rank as f64).sum())
}

/// Holm 1979. Bounds the probability of even one false discovery.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, at) in by_size(p).into_iter().enumerate() {
        largest = largest.max(p[at] * (p.len() - rank) as f64).min(1.0);
        adjusted[at] = largest;
    }
    adjusted
}

fn step_up(p: &[f64], factor: f64) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut smallest: f64 = 1.0;
    for (rank, at) in by_size(p).into_iter().enumerate().rev() {
        smallest = smallest.min(p[at] * factor * p.len() as f64 / (rank + 1) as f64);
        adjusted[at] = smallest;
    }
    adjusted
}

fn by_size(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    order
}
