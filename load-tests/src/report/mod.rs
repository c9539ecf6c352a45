//! stub
use std::io;
use std::path::{Path, PathBuf};
/// Writes.
///
/// # Errors
/// io
pub fn write(directory: &Path) -> io::Result<PathBuf> {
    Ok(directory.join("report.html"))
}
