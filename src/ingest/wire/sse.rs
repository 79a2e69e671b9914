//! Server-sent events: lines that end in LF, CR or both, cut anywhere.

/// The longest event that is read; longer ones are skipped.
const LONGEST: usize = 64 << 20;

/// An event: its name, if it has one, and its data.
pub(super) type Sink<'a> = &'a mut dyn FnMut(&str, &[u8]);

#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a CR: an LF that follows belongs to it.
    is_after_cr: bool,
}

impl Events {
    pub(super) fn push(&mut self, bytes: &[u8], sink: Sink<'_>) {
        for byte in bytes {
            let is_after_cr = std::mem::replace(&mut self.is_after_cr, *byte == b'\r');
            match byte {
                b'\n' if is_after_cr => {}
                b'\n' | b'\r' => self.end_of_line(sink),
                _ if self.line.len() < LONGEST => self.line.push(*byte),
                _ => {}
            }
        }
    }

    /// The last event need not end with an empty line.
    pub(super) fn end(&mut self, sink: Sink<'_>) {
        if !self.line.is_empty() {
            self.end_of_line(sink);
        }
        self.end_of_line(sink);
    }

    fn end_of_line(&mut self, sink: Sink<'_>) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            if self.has_data {
                sink(&self.name, &self.data);
            }
            self.has_data = false;
            self.name.clear();
            self.data.clear();
            return;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line.as_slice(), &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field) {
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                if self.data.len() + value.len() <= LONGEST {
                    self.data.extend_from_slice(value);
                }
            }
            _ => {}
        }
    }
}
