//! The header fields of one request.

use std::fmt;

/// Header fields in the order they came, names in lower case, values
/// without the blanks around them.
///
/// All of them share one piece of memory: a browser sends fifteen fields,
/// and thirty small allocations would be half the work of a short poll.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// Every name and every value, one after the other.
    bytes: Vec<u8>,
    /// Where each field's name and its value end in `bytes`.
    ends: Vec<(usize, usize)>,
}

impl Fields {
    /// No fields yet, and room for so many, of so many bytes in all.
    pub fn with_capacity(fields: usize, bytes: usize) -> Fields {
        Fields {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(fields),
        }
    }

    /// Adds a field; its name is put into lower case.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        self.bytes.extend(name.bytes().map(|b| b.to_ascii_lowercase()));
        let name = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((name, self.bytes.len()));
    }

    /// Every field: its name and its value.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |&(name, value)| {
            let field = (&self.bytes[start..name], &self.bytes[name..value]);
            start = value;
            field
        })
    }

    /// The values of all fields of one name (in lower case).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter()
            .filter(move |(n, _)| *n == name.as_bytes())
            .map(|(_, value)| value)
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Fields {
    fn from_iter<I>(pairs: I) -> Fields
    where
        I: IntoIterator<Item = (&'a str, &'a [u8])>,
    {
        let mut fields = Fields::default();
        for (name, value) in pairs {
            fields.push(name, value);
        }
        fields
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy;
        f.debug_map()
            .entries(self.iter().map(|(n, v)| (text(n), text(v))))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_their_bytes() {
        let fields: Fields =
            [("Host", &b"a"[..]), ("X", b""), ("x", b"\xff"), ("HOST", b"b")]
                .into_iter()
                .collect();
        let all: Vec<_> = fields.iter().collect();
        assert_eq!(
            all,
            [
                (&b"host"[..], &b"a"[..]),
                (b"x", b""),
                (b"x", b"\xff"),
                (b"host", b"b"),
            ]
        );
        assert_eq!(fields.all("host").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(fields.all("none").count(), 0);
    }

    #[test]
    fn a_name_that_only_begins_alike_is_another_name() {
        let mut fields = Fields::with_capacity(1, 8);
        fields.push("hostess", b"a");
        assert_eq!(fields.all("host").count(), 0);
        assert_eq!(format!("{fields:?}"), r#"{"hostess": "a"}"#);
    }
}
