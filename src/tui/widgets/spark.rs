//! Small numbers as bars of one cell each.

/// One mark per number, from the lowest mark for nothing to the highest for the largest number.
pub fn bars(numbers: &[u32], marks: &[&str]) -> String {
    let largest = numbers.iter().copied().max().unwrap_or(0).max(1) as usize;
    let top = marks.len().saturating_sub(1);
    let bar = |number: &u32| {
        // What is more than nothing is more than the lowest mark.
        let height = (*number as usize * top).div_ceil(largest);
        marks.get(height).copied().unwrap_or_default()
    };
    numbers.iter().map(bar).collect()
}

/// One mark per number: the highest for what reaches the limit, whatever else is larger.
pub fn against(limit: f64, numbers: &[f64], marks: &[&str]) -> String {
    const FINE: f64 = 1000.0;
    let share = |number: &f64| (FINE * (number / limit).clamp(0.0, 1.0)) as u32;
    let top = marks.len().saturating_sub(1);
    let bar = |number: &f64| {
        let height = share(number) as usize * top / FINE as usize;
        marks.get(height).copied().unwrap_or_default()
    };
    numbers.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::{against, bars};

    #[test]
    fn only_what_reaches_the_limit_has_the_highest_bar() {
        assert_eq!(
            against(4.0, &[0.0, 1.0, 3.9, 4.0, 9.0], &["_", "-", "="]),
            "__-=="
        );
        assert_eq!(against(0.0, &[0.0], &["_", "="]), "_");
    }

    #[test]
    fn only_nothing_has_the_lowest_bar_and_only_the_largest_the_highest() {
        assert_eq!(bars(&[0, 1, 50, 100], &["_", "-", "="]), "_--=");
        assert_eq!(bars(&[0, 0], &["_", "="]), "__");
        assert_eq!(bars(&[], &["_", "="]), "");
    }
}
