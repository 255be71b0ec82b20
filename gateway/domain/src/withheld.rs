//! What no debug print shows.

/// Content of a record about a person: a debug print gives the type's name alone.
#[macro_export]
macro_rules! withheld {
    ($($content:ident),+) => {
        $(impl std::fmt::Debug for $content {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($content), "(..)"))
            }
        })+
    };
}
