//! Finds the format that converts a file to lines of JSON
//! ([`Layout::convert`](crate::ingest::format::Layout::convert)).

use std::path::Path;

use crate::ingest::bytes::Bytes;
use crate::ingest::formats::{FORMATS, traffic};
use crate::ingest::packed::converted::{Convert, Converted};

/// The most bytes of a file that are converted.
const LARGEST: u64 = 256 << 20;
/// How many bytes of a file are enough to recognise it.
const HEAD: usize = 4096;

/// Whether a file in a folder is listed because it can be converted: most files with these extensions cannot. (Files
/// with an extension of traces are listed in any case.)
pub(crate) fn is_in_folders(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy());
    match ending.as_deref() {
        Some("md") => is_convertible(path),
        // Most cassettes are of other APIs.
        Some("yaml" | "yml" | "har") => {
            let bytes = Bytes::open(path).ok();
            let converted = bytes.and_then(|bytes| convert(path, &bytes));
            converted.is_some_and(|converted| traffic::has_model_calls(&converted.text))
        }
        Some(_) | None => false,
    }
}

/// Whether a file can be converted, whatever its name.
pub(crate) fn is_convertible(path: &Path) -> bool {
    Bytes::open(path).is_ok_and(|bytes| converter_of(path, &bytes).is_some())
}

/// The format that converts a file, and how.
fn converter_of(path: &Path, bytes: &Bytes) -> Option<(&'static str, Convert)> {
    let head = bytes.slice(0, HEAD).ok()?;
    FORMATS
        .iter()
        .find_map(|format| Some((format.name(), format.convert(path, &head)?)))
}

/// Converts a file, if a format can. Of a file over the limit only the first part is converted, which
/// [`Converted::fault`] reports.
pub(crate) fn convert(path: &Path, bytes: &Bytes) -> Option<Converted> {
    let (format, convert) = converter_of(path, bytes)?;
    let len = bytes.len().ok()?;
    let read = bytes.slice(0, len.min(LARGEST) as usize).ok()?;
    Some(Converted {
        format,
        text: convert(path, &read),
        fault: (len > LARGEST)
            .then(|| format!("larger than {LARGEST} bytes: the rest is not shown")),
    })
}
