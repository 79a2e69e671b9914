//! What a decoder says about one record.

/// Where a decoder puts its facts.
#[derive(Debug)]
pub struct FactSink<'a> {
    _bytes: &'a [u8],
}
