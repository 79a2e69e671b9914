//! The files with which a user's own program records itself, without a package. They talk only to the models that the
//! program calls, and to our guard.

use crate::base::sha256;

const PYTHON: &str = include_str!("observe/saferun.py");

/// `saferun.py`. Its first line holds the version and the hash of all other lines.
pub fn python() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let hash = sha256::hex(PYTHON.as_bytes());
    format!("# saferun.py {version} sha256:{hash}\n{PYTHON}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_line_hashes_the_rest() {
        let text = super::python();
        let (first, rest) = text.split_once('\n').expect("lines");
        let hash = crate::base::sha256::hex(rest.as_bytes());
        assert!(first.ends_with(&hash), "{first}");
        assert!(text.lines().count() <= 700, "it is meant to be read");
    }
}
