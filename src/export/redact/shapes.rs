//! Secrets that are recognised by their shape alone, in any context.
//!
//! The shapes are those that the services publish for secret scanning. One expression looks for all; where a shape is
//! not enough, [`is_secret`] looks at what was found.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use regex::Regex;

/// Hidden whole. Each begins at the start of a word, or after an escaped line end (`\n`) of a text inside a text.
const WHOLE: &[&str] = &[
    // Clouds and hosting.
    r"A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}",
    r"AIza[0-9A-Za-z_-]{30,}",
    r"ya29\.[0-9A-Za-z_-]{20,}",
    r"GOCSPX-[0-9A-Za-z_-]{20,}",
    r"1//0[0-9A-Za-z_-]{40,}",
    r"do[opr]_v1_[a-f0-9]{20,}",
    r"dapi[a-f0-9]{32}",
    r"hv[sbr]\.[A-Za-z0-9_-]{20,}",
    r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9]{20,}",
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}",
    r"tskey-[a-z]{2,10}-[A-Za-z0-9-]{16,}",
    r"LTAI[A-Za-z0-9]{16,}",
    r"sbp_[a-f0-9]{32,}",
    r"pul-[a-f0-9]{32,}",
    r"rnd_[A-Za-z0-9]{24,}",
    // Code and packages.
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{22,}",
    r"gl[a-z]{2,6}-[A-Za-z0-9_-]{20,}",
    r"npm_[A-Za-z0-9]{30,}",
    r"pypi-[A-Za-z0-9_-]{40,}",
    r"rubygems_[a-f0-9]{32,}",
    r"cio[A-Za-z0-9]{32}",
    r"ATATT3[A-Za-z0-9_=-]{20,}",
    r"PMAK-[a-f0-9]{20,}-[a-f0-9]{20,}",
    r"sonar_[A-Za-z0-9]{30,}|squ_[a-f0-9]{32,}",
    // Models and their tools.
    r"sk-[A-Za-z0-9_-]{16,}",
    r"hf_[A-Za-z0-9]{20,}",
    r"gsk_[A-Za-z0-9]{20,}",
    r"xai-[A-Za-z0-9_-]{20,}",
    r"r8_[A-Za-z0-9]{20,}",
    r"pplx-[A-Za-z0-9]{20,}",
    r"nvapi-[A-Za-z0-9_-]{20,}",
    r"tvly-[A-Za-z0-9_-]{16,}",
    r"fw_[A-Za-z0-9]{20,}",
    r"csk-[A-Za-z0-9]{20,}",
    r"jina_[A-Za-z0-9_-]{20,}",
    r"pcsk_[A-Za-z0-9_]{20,}",
    r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}",
    r"(?:sk|pk)-lf-[a-f0-9-]{30,}",
    // Messages.
    r"xox[a-z]-[A-Za-z0-9-]{10,}|xoxe\.[A-Za-z0-9.-]{10,}",
    r"xapp-[A-Za-z0-9-]{10,}",
    r"[0-9]{7,12}:[A-Za-z0-9_-]{35}",
    r"[MNO][A-Za-z0-9_-]{22,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"SK[0-9a-f]{32}",
    r"key-[0-9a-f]{32}",
    r"xkeysib-[a-f0-9]{30,}-[A-Za-z0-9]{8,}",
    // Payments, shops, work.
    r"[rs]k_(?:live|test)_[0-9A-Za-z]{16,}",
    r"whsec_[A-Za-z0-9+/=_-]{16,}",
    r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}",
    r"sq0[a-z]{3}-[A-Za-z0-9_-]{20,}",
    r"EAA[A-Za-z0-9]{30,}",
    r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}",
    r"ntn_[A-Za-z0-9]{20,}",
    r"secret_[A-Za-z0-9]{40,}",
    r"pat[A-Za-z0-9]{14}\.[a-f0-9]{40,}",
    r"figd_[A-Za-z0-9_-]{20,}",
    r"NRAK-[A-Z0-9]{20,}",
    r"gl(?:sa|c)_[A-Za-z0-9+/=_]{20,}",
    r"phx_[A-Za-z0-9]{20,}",
    r"dd[a-z]_[A-Za-z0-9]{30,}",
    // Anywhere.
    r"AGE-SECRET-KEY-1[0-9A-Z]{20,}",
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{0,}",
    r"(?i:bearer)[ \t]+[A-Za-z0-9._~+/=-]{6,}",
    r"(?i:basic)[ \t]+[A-Za-z0-9+/]{6,}={0,2}",
];

/// Where a part is to be hidden: [`text`](super::text) knows which.
const PART: &[&str] = &[
    "://",
    "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
    r#"(?:-u|--user|--proxy-user)[ ="']"#,
    r"(?-u:\b)(?:mysql|mysqldump|mysqladmin|mariadb|sshpass|redis-cli)[ \t]",
    r"(?-u:\b)(?i:login)[ \t]+[!-~]{1,64}[ \t]+(?i:password)[ \t]+",
    r#"(?i:identified[ \t]+by)[ \t]+["']"#,
    r"hooks\.slack\.com/(?:services|workflows|triggers)/",
    r"discord(?:app)?\.com/api/webhooks/[0-9]{5,25}/",
    r"api\.telegram\.org/bot[0-9]{5,15}:",
];

/// Words that are part of names of secrets; the name around them decides.
const WORDS: &str = r"(?i)pass|pwd|secret|token|key|auth|cookie|credential|bearer|jwt|mnemonic|seed.?phrase|connection.?string|otp|[^a-z0-9]pin|^pin|[?&][a-z-]*sig";

pub(super) static WHOLE_SHAPES: LazyLock<Regex> = LazyLock::new(|| {
    let shapes = WHOLE.join("|");
    expression(&format!(r"(?:(?-u:\b)|\\[nrt])(?:{shapes})"))
});
pub(super) static PART_SHAPES: LazyLock<Regex> = LazyLock::new(|| expression(&PART.join("|")));
pub(super) static NAME_WORDS: LazyLock<Regex> = LazyLock::new(|| expression(WORDS));

fn expression(text: &str) -> Regex {
    Regex::new(text).expect("a valid expression")
}

/// How many bytes at the beginning of a whole shape are not secret, or none where the shape deceives.
pub(super) fn secret_start(found: &str) -> Option<usize> {
    let escape = if found.starts_with('\\') { 2 } else { 0 };
    let shape = found.get(escape..)?;
    let word = shape.split([' ', '\t']).next().unwrap_or_default();
    let start = shape.rfind([' ', '\t']).map_or(0, |at| at + 1);
    let rest = shape.get(start..)?;
    let is_secret = if start > 0 && word.eq_ignore_ascii_case("bearer") {
        rest.len() >= 20 || rest.bytes().any(|byte| byte.is_ascii_digit())
    } else if start > 0 {
        is_user_and_password(rest)
    } else {
        !shape.starts_with("sk-") || is_key(shape)
    };
    is_secret.then_some(escape + start)
}

/// Base64 of `user:password`, unlike the words "basic authentication".
fn is_user_and_password(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let decoded = STANDARD_NO_PAD
        .decode(bare)
        .or_else(|_| STANDARD.decode(text));
    decoded.is_ok_and(|bytes| {
        bytes.contains(&b':') && bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
    })
}

/// A key has a long piece without separators, or the pieces of a UUID; names of CSS classes (`sk-toggleable__label`)
/// have neither.
fn is_key(text: &str) -> bool {
    let mut pieces = text.split(['-', '_']).skip(1);
    let generated = |piece: &str| piece.bytes().any(|byte| byte.is_ascii_digit());
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let capitals = text.bytes().filter(u8::is_ascii_uppercase).count();
    pieces.any(|piece| piece.len() >= 16 || (piece.len() >= 12 && generated(piece)))
        || (digits >= 4 && capitals >= 4)
}
