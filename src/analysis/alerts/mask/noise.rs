//! Noise: parts of a text that change with every call although nothing else does. Found by hand rather than by regular
//! expressions, because every word of every result is looked at.

/// What stands in for a time.
pub(super) const TIME: &str = "<time>";

/// Noise at the start of a word: where it ends, and what stands in for it. A word that `goes_on` directly behind a time
/// can be neither a uuid nor another time.
pub(super) fn at(text: &str, start: usize, goes_on: bool) -> Option<(usize, &'static str)> {
    let rest = &text.as_bytes()[start..];
    let uuid = |bytes| if goes_on { None } else { uuid(bytes) };
    let (length, word) = match rest.first()? {
        b'0'..=b'9' => {
            if let Some(length) = uuid(rest) {
                (length, "<uuid>")
            } else if let Some(length) = time(rest).filter(|_| !goes_on) {
                return Some((start + length, TIME));
            } else if let Some(length) = span(text.get(start..)?) {
                (length, "<span>")
            } else {
                (address(rest)?, "<addr>")
            }
        }
        b'a'..=b'f' | b'A'..=b'F' => match uuid(rest) {
            Some(length) => (length, "<uuid>"),
            None => (id(rest)?, "<id>"),
        },
        b'm' | b'r' | b's' | b't' => (id(rest)?, "<id>"),
        _ => return None,
    };
    let end = start + length;
    ends_word(text, end).then_some((end, word))
}

/// Whether no word goes on here.
fn ends_word(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    !rest.starts_with(is_word)
}

pub(super) fn is_word(it: char) -> bool {
    it == '_' || it.is_alphanumeric()
}

pub(super) fn is_space(it: char) -> bool {
    it.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&it)
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|it| it.is_ascii_digit()).count()
}

/// `8c0ffee0-1234-4abc-9def-0123456789ab`.
fn uuid(bytes: &[u8]) -> Option<usize> {
    const LENGTH: usize = 36;
    // Most words are shorter than the first group.
    if bytes.get(8) != Some(&b'-') {
        return None;
    }
    let is_right = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let all = bytes.get(..LENGTH)?;
    all.iter().enumerate().all(is_right).then_some(LENGTH)
}

/// `2026-11-22T10:00:00.5Z`: a date and a time of day, with seconds and a zone if they follow.
fn time(bytes: &[u8]) -> Option<usize> {
    let fits = |from: usize, pattern: &[u8]| {
        let found = bytes.get(from..from + pattern.len());
        found.is_some_and(|found| {
            let mut pairs = found.iter().zip(pattern);
            pairs.all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b' '),
                b'+' => matches!(byte, b'+' | b'-'),
                b'.' => matches!(byte, b'.' | b','),
                exact => byte == exact,
            })
        })
    };
    if !fits(0, b"0000-00-00T00:00") {
        return None;
    }
    let mut end = 16;
    if fits(end, b":00") {
        end += 3;
        if fits(end, b".0") {
            end += 1 + digits(&bytes[end + 1..]);
        }
    }
    for zone in [&b"Z"[..], b"+00:00", b"+0000"] {
        if fits(end, zone) {
            return Some(end + zone.len());
        }
    }
    Some(end)
}

/// `toolu_0123456789ab`: the id of a call, a message or a response.
fn id(bytes: &[u8]) -> Option<usize> {
    const KINDS: &[&[u8]] = &[
        b"call",
        b"toolu",
        b"srvtoolu",
        b"chatcmpl",
        b"msg",
        b"resp",
        b"req",
    ];
    const SHORTEST: usize = 12;
    let kind = KINDS.iter().find(|kind| bytes.starts_with(kind))?;
    let rest = &bytes[kind.len()..];
    let after = matches!(rest.first()?, b'_' | b'-').then(|| &rest[1..])?;
    let own = after.iter().take_while(|it| it.is_ascii_alphanumeric());
    let length = own.count();
    (length >= SHORTEST).then_some(kind.len() + 1 + length)
}

/// `0.53s`, `12 ms`.
fn span(text: &str) -> Option<usize> {
    const UNITS: &[&str] = &["ms", "s", "sec", "secs", "seconds"];
    let bytes = text.as_bytes();
    let mut end = digits(bytes);
    if bytes.get(end) == Some(&b'.') {
        match digits(&bytes[end + 1..]) {
            0 => return None,
            fraction => end += 1 + fraction,
        }
    }
    let gap = text.get(end..)?.chars().next().filter(|it| is_space(*it));
    end += gap.map_or(0, char::len_utf8);
    let letters = bytes[end..].iter().take_while(|it| it.is_ascii_lowercase());
    let length = letters.count();
    let unit = text.get(end..end + length)?;
    UNITS.contains(&unit).then_some(end + length)
}

/// `0xdeadbeef`.
fn address(bytes: &[u8]) -> Option<usize> {
    const SHORTEST: usize = 6;
    let own = bytes.strip_prefix(b"0x")?.iter();
    let length = own.take_while(|it| it.is_ascii_hexdigit()).count();
    (length >= SHORTEST).then_some(2 + length)
}
