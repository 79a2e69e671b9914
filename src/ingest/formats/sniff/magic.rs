//! Recognizes files that are not traces by their first bytes, with advice for each kind.

/// What the first bytes say about a file that is not a trace, and what to do about it.
pub(super) fn magic(head: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (
            b"\x1f\x8b",
            "compressed with gzip; unpack it first (gunzip -k)",
        ),
        (
            b"\x28\xb5\x2f\xfd",
            "compressed with zstd; unpack it first (zstd -d)",
        ),
        (
            b"\xfd7zXZ\0",
            "compressed with xz; unpack it first (xz -dk)",
        ),
        (
            b"BZh",
            "compressed with bzip2; unpack it first (bunzip2 -k)",
        ),
        (
            b"PK\x03\x04",
            "a zip archive, but not an Inspect AI log; unpack it first (unzip)",
        ),
        (
            b"SQLite format 3\0",
            "an SQLite database, which cannot be read from a pipe; name its file",
        ),
        (b"\x7fELF", "a program, not a trace"),
        (b"\x89PNG", "a picture, not a trace"),
        (
            b"\xff\xfe",
            "text in UTF-16 or UTF-32; convert it first (iconv -t UTF-8)",
        ),
        (
            b"\xfe\xff",
            "text in UTF-16; convert it first (iconv -t UTF-8)",
        ),
    ];
    MAGIC
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, what)| *what)
}

/// What a file without a single record looks like, if it is not text.
pub(super) fn binary(head: &[u8]) -> Option<&'static str> {
    let start = &head[..head.len().min(4096)];
    let every_other = |from: usize| start.iter().take(8).skip(from).step_by(2);
    if start.len() >= 8
        && every_other(0).all(|&byte| byte != 0)
        && every_other(1).all(|&byte| byte == 0)
    {
        return Some("text in UTF-16; convert it first (iconv -f UTF-16LE -t UTF-8)");
    }
    let nuls = memchr::memchr_iter(0, start).count();
    let is_text =
        std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    (nuls > 0 && nuls < start.len() || !is_text).then_some("binary data, not a trace")
}
