//! The answer of S3 to a request for a list: XML of a known shape, with encoded keys.

use crate::model::quantity::Time;

/// A file in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// Encoded, as in URLs.
    pub(super) key: String,
    /// Changes when the contents do.
    pub(super) tag: String,
    pub(super) size: u64,
    pub(super) changed: Time,
}

/// A page of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) objects: Vec<Object>,
    /// What to ask for next; none at the end.
    pub(super) next: Option<String>,
}

impl Listing {
    /// None if it is not such an answer.
    pub(super) fn parse(xml: &str) -> Option<Listing> {
        if !xml.contains("<ListBucketResult") || !xml.trim_end().ends_with("</ListBucketResult>") {
            return None;
        }
        let objects = elements(xml, "Contents").map(object);
        let is_cut = element(xml, "IsTruncated") == Some("true");
        let next = element(xml, "NextContinuationToken").map(plain);
        if is_cut && next.is_none() {
            return None;
        }
        Some(Listing {
            objects: objects.collect::<Option<Vec<Object>>>()?,
            next: next.filter(|_| is_cut),
        })
    }
}

fn object(xml: &str) -> Option<Object> {
    let changed: jiff::Timestamp = element(xml, "LastModified")?.parse().ok()?;
    Some(Object {
        key: plain(element(xml, "Key")?),
        tag: plain(element(xml, "ETag")?).trim_matches('"').to_owned(),
        size: element(xml, "Size")?.parse().ok()?,
        changed: Time(changed.as_microsecond()),
    })
}

/// The contents of the first element of a name.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inside)
}

fn elements<'x>(xml: &'x str, name: &str) -> impl Iterator<Item = &'x str> + use<'x> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (inside, after) = after.split_once(&close)?;
        rest = after;
        Some(inside)
    })
}

fn plain(text: &str) -> String {
    let entities = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    entities
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::Listing;

    const PAGE: &str = "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <Name>traces</Name><IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b</NextContinuationToken>\
        <Contents><Key>bot/a%20b.jsonl</Key><LastModified>2026-11-20T09:00:00.000Z</LastModified>\
        <ETag>&quot;abc&quot;</ETag><Size>12</Size></Contents></ListBucketResult>\n";

    #[test]
    fn reads_files_and_what_comes_next() {
        let page = Listing::parse(PAGE).expect("a page");
        let object = &page.objects[0];
        assert_eq!(
            (object.key.as_str(), object.tag.as_str(), object.size),
            ("bot/a%20b.jsonl", "abc", 12)
        );
        assert_eq!(page.next.as_deref(), Some("a&b"));
    }

    #[test]
    fn half_a_page_is_no_page() {
        let half: String = PAGE.chars().take(PAGE.len() / 2).collect();
        assert_eq!(Listing::parse(&half), None);
        assert_eq!(Listing::parse("<html></html>"), None);
        let endless = PAGE.replace("NextContinuationToken", "Other");
        assert_eq!(Listing::parse(&endless), None);
    }
}
