//! Words that readers add to what a trace holds: in texts that they compose, such as why a call is taken for
//! approved. No search of the bytes of a file finds these words, so it must not rule out a row by them.

/// In lower case, in alphabetical order.
const COMPOSED: &str = "\
    aborted action add after against agent agents ai aider all always amp an and another answered \
    antigravity application applied apply approved archive are args arguments as asked at \
    attachment auto been began being below beside binary blobs blocked build built bunzip but by \
    bytes bzip call calls cannot cat caveat chats checkpoints classifier claude cli cline code \
    coded codex command commands completed compressed continued conversation convert create cursor \
    data database declared deepseek denied dev dismissed dk document doesn droid dsh due during \
    earlier early edit emptywindowchatsessions encrypted ends error errored evaluation events every \
    exactly exec executed execution exit exited export factory failed fd fe ff file first format \
    from function gemini generated get globalstorage goose grok guardrail gunzip gzip handoff \
    harness has here history hook hooks http iconv in index inferred info inspect interrupted \
    introduced is it item its jq json kernel kind known langgraph last le left library like limit \
    lines list local log looks made main make match md medagentbench messages meta missing model \
    most my name needed needs never new next no not object occurred of one opencode operation or \
    other out parse parts patch path permission permissionrequest permissions permits picture pipe \
    pk please policy pretooluse prevents previous proceed process program progress projects prompt \
    prompts provide question quotes ran read reasoning recent record recorded records redacted \
    refused rejected reported request requested result resumption return rewound risk roo \
    rooveterinaryinc row rows rule running saferun saoudrizwan sending seq session sessionid \
    sessions shape shown sibling sidechain size some spans specified specstory sqlite started state \
    status step stop store string such syntax system table take task tasks text texts that the them \
    then there this thread timed to tokens told tool trace traceback transcripts triggered tripwire \
    true tui type unacceptable unpack unsupported unzip use user utf verification vt waited want \
    was were what which while whole with without write written xz zip zstd";

/// Whether a word, or a part of one, may be in a text that a reader composed.
pub fn is_composed(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    COMPOSED
        .split_ascii_whitespace()
        .any(|composed| composed.contains(&word))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The words of texts of several words in the code of a reader, without its tests.
    fn words_of(code: &str, words: &mut BTreeSet<String>) {
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        let mut is_about = false;
        for line in code.lines() {
            is_about |= line.contains("fn about(");
            if line.trim_start().starts_with("//") || is_about {
                is_about &= line != "    }";
                continue;
            }
            for literal in line.replace("\\\"", " ").split('"').skip(1).step_by(2) {
                let literal = outside_braces(literal).replace("\\n", " ");
                let found = literal.split(|c: char| !c.is_ascii_alphabetic());
                let found = found.filter(|word| word.len() > 1);
                if literal.trim().contains(' ') {
                    words.extend(found.map(str::to_ascii_lowercase));
                }
            }
        }
    }

    fn outside_braces(literal: &str) -> String {
        let mut depth = 0;
        let kept = literal.chars().map(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if depth > 0 || c == '}' { ' ' } else { c }
        });
        kept.collect()
    }

    fn read(folder: &Path, words: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                read(&path, words);
            } else if !path.ends_with("tests.rs") {
                words_of(&std::fs::read_to_string(&path).expect("code"), words);
            }
        }
    }

    #[test]
    fn words_that_readers_compose_are_listed() {
        let mut words = BTreeSet::new();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ingest/formats");
        read(&sources, &mut words);
        let missing: Vec<_> = words.iter().filter(|word| !is_composed(word)).collect();
        assert!(missing.is_empty(), "add to COMPOSED: {missing:?}");
    }
}
