//! Proof as a value.

use pmh_audit::Receipt;

/// A value whose record is committed. Only this crate makes one, after a
/// commit, so an answer without its record does not type-check.
#[derive(Debug)]
#[must_use]
pub struct Recorded<T> {
    value: T,
    receipt: Option<Receipt>,
}

impl<T> Recorded<T> {
    pub(crate) fn new(value: T, receipt: Option<Receipt>) -> Self {
        Self { value, receipt }
    }

    /// The value and its proof. The proof is absent only where nothing was
    /// kept or told: a dry run.
    pub fn into_parts(self) -> (T, Option<Receipt>) {
        (self.value, self.receipt)
    }

    /// The value, still recorded.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Turns the value into what is sent. The record stays the same.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Recorded<U> {
        Recorded { value: f(self.value), receipt: self.receipt }
    }
}
