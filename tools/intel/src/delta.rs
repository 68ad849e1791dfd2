//! stub
use std::path::Path;
pub(crate) fn delta(_: &Path, _: &Path, _: &Path) -> Result<String, String> {
    Err("no".into())
}
pub(crate) fn apply(_: &Path, _: &Path, _: &Path) -> Result<String, String> {
    Err("no".into())
}
