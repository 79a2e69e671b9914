//! Noise: parts of a text that change with every call although nothing else does. Found by hand rather than with regular
//! expressions, because every word of every result is examined.

/// What replaces a time.
pub(super) const TIME: &str = "<time>";

/// Noise at the start of a word: its length, and what replaces it. There is no word boundary directly after a time,
/// so neither a uuid nor another time begins there.
pub(super) fn at(text: &str, is_after_time: bool) -> Option<(usize, &'static str)> {
    let bytes = text.as_bytes();
    let at_boundary = Some(bytes).filter(|_| !is_after_time);
    let uuid = || Some((at_boundary.and_then(uuid)?, "<uuid>"));
    let (length, shown) = match bytes.first()? {
        b'0'..=b'9' => {
            if let Some(length) = at_boundary.and_then(time) {
                return Some((length, TIME));
            }
            let span = || Some((span(text)?, "<span>"));
            let address = || Some((address(bytes)?, "<addr>"));
            uuid().or_else(span).or_else(address)?
        }
        b'a'..=b'f' | b'A'..=b'F' => uuid().or_else(|| Some((id(bytes)?, "<id>")))?,
        b'm' | b'r' | b's' | b't' => (id(bytes)?, "<id>"),
        _ => return None,
    };
    let (_, rest) = text.split_at(length);
    (!rest.starts_with(is_word)).then_some((length, shown))
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
