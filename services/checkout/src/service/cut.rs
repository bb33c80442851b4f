//! Where a test lets the power fail.

/// Ends the process at once when `EMPORIA_TEST_CRASH_AT` names this point. Only debug builds look: tests show with it
/// that whoever comes next takes the checkout on.
#[cfg(debug_assertions)]
pub(crate) fn at(point: &str) {
    if std::env::var_os("EMPORIA_TEST_CRASH_AT").is_some_and(|wanted| wanted == point) {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn at(_: &str) {}
