//! Bytes as text: hexadecimal digits, and percent-escapes of URLs.

use std::fmt::Write;

/// Two lower-case digits per byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Escapes every byte except ASCII letters, digits and those in `kept`.
pub fn percent(bytes: &[u8], kept: &[u8]) -> String {
    let mut escaped = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || kept.contains(byte) {
            escaped.push(char::from(*byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_digits_or_escapes() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        assert_eq!(percent("a b/ü".as_bytes(), b"/"), "a%20b/%C3%BC");
    }
}
