//! Lines, as HTTP ends them: CR and LF (RFC 9112, section 2.2).
//!
//! The RFC lets a server accept a lone LF. We do not: where a proxy and a
//! server disagree on what a line is, one request hides inside another.

/// Finds line ends, and looks at each byte once, however slowly they come.
#[derive(Debug, Default)]
pub(super) struct LineEnd {
    /// Bytes of the line already searched.
    seen: usize,
}

/// Why a line is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadLine {
    /// It is longer than it may be.
    TooLong,
    /// It ends in LF without CR.
    BareLf,
}

impl LineEnd {
    /// The length, without CR LF, of the line that `bytes` begin with;
    /// `None` if its end is not here.
    ///
    /// Called again, it goes on from where it was: with the same line, and
    /// more of it.
    ///
    /// # Errors
    /// `TooLong` as soon as the line, without CR LF, exceeds `limit` bytes.
    pub(super) fn find(
        &mut self,
        bytes: &[u8],
        limit: usize,
    ) -> Result<Option<usize>, BadLine> {
        let newline = bytes[self.seen..].iter().position(|&b| b == b'\n');
        let end = newline.map_or(bytes.len(), |at| self.seen + at);
        let ends_in_cr = bytes[..end].ends_with(b"\r");
        let length = end - usize::from(ends_in_cr);
        if length > limit {
            return Err(BadLine::TooLong);
        }
        match newline {
            None => {
                self.seen = end;
                Ok(None)
            }
            Some(_) if !ends_in_cr => Err(BadLine::BareLf),
            Some(_) => {
                self.seen = 0;
                Ok(Some(length))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `find` says of a line, whole and with one byte more at a time.
    fn find(bytes: &[u8], limit: usize) -> Result<Option<usize>, BadLine> {
        let whole = LineEnd::default().find(bytes, limit);
        let mut slow = LineEnd::default();
        let slow = (0..=bytes.len())
            .map(|n| slow.find(&bytes[..n], limit))
            .find(|found| *found != Ok(None))
            .unwrap_or(Ok(None));
        assert_eq!(whole, slow);
        whole
    }

    #[test]
    fn a_line_ends_in_cr_lf() {
        assert_eq!(find(b"ab\r\n", 9), Ok(Some(2)));
        assert_eq!(find(b"\r\n", 0), Ok(Some(0)));
        assert_eq!(find(b"ab\r", 9), Ok(None));
        assert_eq!(find(b"", 0), Ok(None));
        assert_eq!(find(b"ab\n", 9), Err(BadLine::BareLf));
        assert_eq!(find(b"\n", 9), Err(BadLine::BareLf));
    }

    #[test]
    fn its_end_does_not_count_against_the_limit() {
        assert_eq!(find(b"abc\r\n", 3), Ok(Some(3)));
        assert_eq!(find(b"abc\r", 3), Ok(None));
        assert_eq!(find(b"abc\rd", 3), Err(BadLine::TooLong));
        assert_eq!(find(b"abcd", 3), Err(BadLine::TooLong));
        assert_eq!(find(b"abcd\n", 3), Err(BadLine::TooLong));
        assert_eq!(find(b"abc\n", 3), Err(BadLine::BareLf));
    }
}
