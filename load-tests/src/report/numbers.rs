//! Numbers as people read them: three digits, a unit, thin gaps.

use crate::preflight::thousands;
use crate::stats::Spread;

/// A value with about three significant digits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = match size {
        s if s < 1000.0 && s.fract() == 0.0 => format!("{size:.0}"),
        s if s >= 1000.0 => {
            let sign = if value < 0.0 { "−" } else { "" };
            return format!("{sign}{}", thousands(size.round() as u64));
        }
        s if s >= 100.0 => format!("{size:.0}"),
        s if s >= 10.0 => format!("{size:.1}"),
        s if s >= 0.1 => format!("{size:.2}"),
        s if s >= 0.001 => format!("{size:.3}"),
        _ => "0.000".to_owned(),
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// A value on an axis, without zeros that say nothing.
pub fn tick(value: f64) -> String {
    let text = number(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A median, with its range if there is more than one value.
pub fn range(spread: Spread) -> String {
    if spread.count == 1 {
        return number(spread.median);
    }
    format!(
        "{} <small>[{}–{}]</small>",
        number(spread.median),
        number(spread.low),
        number(spread.high)
    )
}

/// A value with its unit, or a dash.
pub fn with_unit(value: Option<f64>, unit: &str) -> String {
    match value {
        Some(value) => format!("{}\u{202f}{unit}", number(value)),
        None => "–".to_owned(),
    }
}

/// Text that is safe inside HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_enough() {
        for (value, text) in [
            (0.0, "0"),
            (25.0, "25"),
            (0.01234, "0.012"),
            (0.25, "0.25"),
            (12.345, "12.3"),
            (123.45, "123"),
            (-2.5, "−2.50"),
            (16_290.4, "16\u{202f}290"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!((tick(1.5), tick(0.30)), ("1.5".into(), "0.3".into()));
    }
}
