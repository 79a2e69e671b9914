//! How large records and documents may be, and the mark that may precede them.

/// Lines longer than this are malformed; their contents are not loaded.
pub const LONGEST_LINE: u64 = 64 << 20;

/// Documents up to this size are read whole.
pub const LARGEST_DOCUMENT: u64 = 1 << 30;

/// The byte order mark of UTF-8.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";
