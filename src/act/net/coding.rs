//! Content encodings: decodes gzip and zstd, with a limit on the output.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum Undecoded {
    #[error("unknown content encoding '{0}' (gzip and zstd are known)")]
    Unknown(String),
    #[error("decoded, the body is longer than {0} bytes")]
    TooLong(usize),
    #[error("the encoded body is broken: {0}")]
    Broken(io::Error),
}

/// The decoded bytes, at most `cap` of them. Memory grows with the output, not with what a header claims.
pub fn decode(encoding: Option<&str>, bytes: Vec<u8>, cap: usize) -> Result<Vec<u8>, Undecoded> {
    match encoding.map(str::trim).unwrap_or_default() {
        "" | "identity" => Ok(bytes),
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(&*bytes), cap),
        "zstd" => {
            let decoder = zstd::Decoder::new(&*bytes).map_err(Undecoded::Broken)?;
            read(decoder, cap)
        }
        other => Err(Undecoded::Unknown(other.chars().take(40).collect())),
    }
}

fn read(decoder: impl Read, cap: usize) -> Result<Vec<u8>, Undecoded> {
    let mut out = Vec::new();
    let mut limited = decoder.take(cap as u64 + 1);
    limited.read_to_end(&mut out).map_err(Undecoded::Broken)?;
    if out.len() > cap {
        return Err(Undecoded::TooLong(cap));
    }
    Ok(out)
}
