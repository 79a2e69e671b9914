//! Requests signed with a secret key, as S3 wants them (AWS Signature, version 4). Their bodies are empty.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::act::net::secret::Secret;
use crate::base::{escape, sha256};

/// The hash of no bytes.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Whose key it is, and for which region.
#[derive(Debug, Clone)]
pub(super) struct Signer {
    pub(super) id: String,
    pub(super) secret: Secret,
    /// Of credentials that expire.
    pub(super) token: Option<Secret>,
    pub(super) region: String,
}

/// A `GET` to sign. Path and query are encoded, the query in the order of its names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Get<'a> {
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) range: Option<&'a str>,
}

/// A header, whose value may be a key.
pub(super) type Header = (&'static str, Secret);

impl Signer {
    /// The headers that sign a request at a time such as `20130524T000000Z`.
    pub(super) fn headers(&self, get: Get<'_>, time: &str) -> Vec<Header> {
        let mut headers: Vec<Header> = Vec::new();
        headers.extend(get.range.map(|range| ("range", Secret::new(range))));
        headers.push(("x-amz-content-sha256", Secret::new(EMPTY)));
        headers.push(("x-amz-date", Secret::new(time)));
        let token = self.token.clone();
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        let names: Vec<&str> = std::iter::once("host")
            .chain(headers.iter().map(|(name, _)| *name))
            .collect();
        let names = names.join(";");
        let mut lines = format!("host:{}\n", get.host);
        for (name, value) in &headers {
            lines.extend([name, ":", value.reveal(), "\n"]);
        }
        let Get { path, query, .. } = get;
        let request = format!("GET\n{path}\n{query}\n{lines}\n{names}\n{EMPTY}");
        let day: String = time.chars().take(8).collect();
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let digest = sha256::hex(request.as_bytes());
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
        let signature = escape::hex(&mac(&self.key(&day), &text));
        let id = &self.id;
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential={id}/{scope},SignedHeaders={names},Signature={signature}"
        );
        headers.push(("authorization", Secret::new(signed)));
        headers
    }

    /// The key of a day, a region and a service.
    fn key(&self, day: &str) -> Vec<u8> {
        let first = format!("AWS4{}", self.secret.reveal());
        let parts = [day, &self.region, "s3", "aws4_request"];
        parts
            .iter()
            .fold(first.into_bytes(), |key, part| mac(&key, part))
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::{Get, Signer};
    use crate::act::net::secret::Secret;

    #[track_caller]
    fn check(get: Get<'_>, signature: &str) {
        let signer = Signer {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            token: None,
            region: "us-east-1".to_owned(),
        };
        let headers = signer.headers(get, "20130524T000000Z");
        let (_, signed) = headers.last().expect("a signature");
        let found = signed.reveal().rsplit_once('=').map(|(_, found)| found);
        assert_eq!(found, Some(signature));
    }

    #[test]
    fn signs_as_in_the_examples_of_the_documentation() {
        let get = Get {
            host: "examplebucket.s3.amazonaws.com",
            path: "/test.txt",
            query: "",
            range: Some("bytes=0-9"),
        };
        check(
            get,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        );
        let list = Get {
            path: "/",
            query: "max-keys=2&prefix=J",
            range: None,
            ..get
        };
        check(
            list,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        );
    }
}
