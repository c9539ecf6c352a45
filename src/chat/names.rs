//! The words of the protocol, and the rule each of them keeps.
//!
//! Each is a type of its own that can only be made by passing its rule, so
//! nothing further up has to ask again.

use std::fmt;

use unicode_properties::{
    GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory,
};

/// A rule that something from a client broke: 422 over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The room's name.
    Room,
    /// A nick that is empty or longer than 24 characters.
    NickLength,
    /// A nick with a character that nicks do not have.
    NickCharacter,
    /// A text that is empty or longer than 4096 bytes.
    TextLength,
    /// A text with a control character other than line feed and tab.
    TextCharacter,
    /// A message's id.
    Id,
}

impl Rule {
    /// The error's name in the protocol.
    pub fn code(self) -> &'static str {
        match self {
            Rule::Room => "bad_room",
            Rule::NickLength | Rule::NickCharacter => "bad_nick",
            Rule::TextLength | Rule::TextCharacter => "bad_text",
            Rule::Id => "bad_id",
        }
    }

    /// A sentence that says what to change.
    pub fn detail(self) -> &'static str {
        match self {
            Rule::Room => {
                "A room's name is 1 to 32 of a-z, 0-9 and -, and does not \
                 begin with -."
            }
            Rule::NickLength => "A nick is 1 to 24 characters long.",
            Rule::NickCharacter => {
                "A nick has letters, digits, spaces and _ - . ' only."
            }
            Rule::TextLength => "A text is 1 to 4096 bytes long.",
            Rule::TextCharacter => {
                "A text has no control characters but line feed and tab."
            }
            Rule::Id => "An id is 1 to 64 of A-Z, a-z, 0-9, _ and -.",
        }
    }
}

/// Declares a checked string: it derefs to `str` and prints as one.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

word! {
    /// A room's name: `[a-z0-9][a-z0-9-]{0,31}`.
    RoomName
}

word! {
    /// What someone is called: 1 to 24 characters after trimming; letters,
    /// digits, marks, spaces and `_ - . '`.
    Nick
}

word! {
    /// What is said: 1 to 4096 bytes after trimming, no control characters
    /// but line feed and tab.
    Text
}

word! {
    /// A message's id, chosen by its sender: `[A-Za-z0-9_-]{1,64}`.
    MessageId
}

impl RoomName {
    /// Checks the name of a room.
    ///
    /// # Errors
    /// [`Rule::Room`].
    pub fn new(name: &str) -> Result<RoomName, Rule> {
        let letter =
            |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
        let bytes = name.as_bytes();
        let good = (1..=32).contains(&bytes.len())
            && bytes.iter().all(letter)
            && bytes[0] != b'-';
        if good { Ok(RoomName(name.into())) } else { Err(Rule::Room) }
    }
}

impl Nick {
    /// Trims and checks a nick.
    ///
    /// # Errors
    /// [`Rule::NickLength`], [`Rule::NickCharacter`].
    pub fn new(nick: &str) -> Result<Nick, Rule> {
        let nick = nick.trim();
        if nick.chars().any(|c| !is_nick_character(c)) {
            return Err(Rule::NickCharacter);
        }
        // Not more than 24 + 1 characters are looked at, however long it is.
        match nick.chars().take(25).count() {
            1..=24 => Ok(Nick(nick.into())),
            _ => Err(Rule::NickLength),
        }
    }
}

impl Text {
    /// Trims and checks a text.
    ///
    /// # Errors
    /// [`Rule::TextLength`], [`Rule::TextCharacter`].
    pub fn new(text: &str) -> Result<Text, Rule> {
        let text = text.trim();
        if text.is_empty() || text.len() > 4096 {
            return Err(Rule::TextLength);
        }
        let forbidden = |c: char| c.is_control() && c != '\n' && c != '\t';
        if text.contains(forbidden) {
            return Err(Rule::TextCharacter);
        }
        Ok(Text(text.into()))
    }
}

impl MessageId {
    /// Checks a message's id.
    ///
    /// # Errors
    /// [`Rule::Id`].
    pub fn new(id: &str) -> Result<MessageId, Rule> {
        let letter =
            |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let good = (1..=64).contains(&id.len()) && id.bytes().all(letter);
        if good { Ok(MessageId(id.into())) } else { Err(Rule::Id) }
    }
}

/// Whether a nick may have `c`: letters, marks and digits of any script, the
/// space, and four signs. That leaves out control, bidirectional and
/// zero-width characters; the marks and letters that are drawn as nothing are
/// named one by one.
fn is_nick_character(c: char) -> bool {
    let invisible = matches!(c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}');
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || " _-.'".contains(c);
    }
    let word = matches!(
        c.general_category_group(),
        GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark
    );
    let digit = c.general_category() == GeneralCategory::DecimalNumber;
    (word || digit) && !invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms() {
        let longest = "a".repeat(32);
        for good in ["a", "0", "lobby", "a-", "1-b-2", &longest] {
            assert_eq!(&*RoomName::new(good).unwrap(), good);
        }
        let too_long = "a".repeat(33);
        for bad in ["", "-a", "A", "a b", "a/b", "é", "a\0", &too_long] {
            assert_eq!(RoomName::new(bad), Err(Rule::Room), "{bad:?}");
        }
    }

    #[test]
    fn nicks() {
        let wide = "é".repeat(24);
        for good in ["ada", "O'Brien", "Зоя", "a.b_c-d 9", "नमस्ते", "e\u{301}"]
        {
            assert_eq!(&*Nick::new(good).unwrap(), good);
        }
        assert_eq!(&*Nick::new("  ada ").unwrap(), "ada");
        assert_eq!(&*Nick::new(&wide).unwrap(), wide);
        let too_long = "é".repeat(25);
        for bad in ["", "   ", &too_long] {
            assert_eq!(Nick::new(bad), Err(Rule::NickLength), "{bad:?}");
        }
        for bad in [
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{200d}b",
            "a\u{fe0f}",
            "\u{3164}",
            "a\u{feff}b",
            "a<b",
            "a\u{7f}",
            "a\u{2066}b",
            "😀",
        ] {
            assert_eq!(Nick::new(bad), Err(Rule::NickCharacter), "{bad:?}");
        }
    }

    #[test]
    fn texts() {
        let longest = "x".repeat(4096);
        for good in ["hi", "two\nlines", "a\tb", "😀\u{202e}", &longest] {
            assert_eq!(&*Text::new(good).unwrap(), good);
        }
        assert_eq!(&*Text::new(" \n hi \t").unwrap(), "hi");
        let too_long = "x".repeat(4097);
        for bad in ["", " \n ", &too_long] {
            assert_eq!(Text::new(bad), Err(Rule::TextLength));
        }
        for bad in ["a\rb", "a\0b", "a\u{1b}[31m", "a\u{85}b"] {
            assert_eq!(Text::new(bad), Err(Rule::TextCharacter), "{bad:?}");
        }
    }

    #[test]
    fn ids() {
        let longest = "a".repeat(64);
        for good in ["c0ffee-1", "_", &longest] {
            assert_eq!(&*MessageId::new(good).unwrap(), good);
        }
        let too_long = "a".repeat(65);
        for bad in ["", "a b", "é", "a.b", &too_long] {
            assert_eq!(MessageId::new(bad), Err(Rule::Id), "{bad:?}");
        }
    }
}
