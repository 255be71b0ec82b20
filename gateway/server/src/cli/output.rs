//! The one place that prints.

/// Prints a line for the person or program that called.
#[expect(clippy::print_stdout, reason = "a command's answer goes to standard output")]
pub fn line(text: impl std::fmt::Display) {
    println!("{text}");
}

/// Prints a line beside the answer: progress, hints, problems.
#[expect(clippy::print_stderr, reason = "what is not the answer goes to standard error")]
pub fn aside(text: impl std::fmt::Display) {
    eprintln!("{text}");
}
