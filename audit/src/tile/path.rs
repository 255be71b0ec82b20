//! Paths of tiles below a log's prefix.

use std::{fmt, str::FromStr};

use super::{Bundle, TILE_WIDTH, Tile};

/// What a path names. Printing and reading are exact inverses: one path for one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TilePath {
    /// `tile/<L>/<N>[.p/<W>]`
    Hashes(Tile),
    /// `tile/entries/<N>[.p/<W>]`
    Entries(Bundle),
}

/// Not the path of any tile or bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the path of a tile")]
pub struct PathFormatError;

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, width) = match self {
            Self::Hashes(tile) => {
                write!(f, "tile/{}/", tile.level())?;
                (tile.n(), tile.width())
            }
            Self::Entries(bundle) => {
                f.write_str("tile/entries/")?;
                (bundle.n(), bundle.width())
            }
        };
        write_index(f, n)?;
        if width < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
    }
}

impl FromStr for TilePath {
    type Err = PathFormatError;

    fn from_str(path: &str) -> Result<Self, PathFormatError> {
        // Only the printed form is a path, so reading may be lax as long as it is compared.
        read(path).filter(|read| read.to_string() == path).ok_or(PathFormatError)
    }
}

impl From<Tile> for TilePath {
    fn from(tile: Tile) -> Self {
        Self::Hashes(tile)
    }
}

impl From<Bundle> for TilePath {
    fn from(bundle: Bundle) -> Self {
        Self::Entries(bundle)
    }
}

/// Groups of three digits, all but the last marked, so that no directory holds more than a thousand files.
fn write_index(f: &mut fmt::Formatter<'_>, n: u64) -> fmt::Result {
    let above = n / 1000;
    if above > 0 {
        write_marked(f, above)?;
    }
    write!(f, "{:03}", n % 1000)
}

fn write_marked(f: &mut fmt::Formatter<'_>, n: u64) -> fmt::Result {
    let above = n / 1000;
    if above > 0 {
        write_marked(f, above)?;
    }
    write!(f, "x{:03}/", n % 1000)
}

fn read(path: &str) -> Option<TilePath> {
    let (kind, place) = path.strip_prefix("tile/")?.split_once('/')?;
    let (index, width) = match place.split_once(".p/") {
        None => (place, TILE_WIDTH),
        // A full tile is never written as a partial one: 256 fails the comparison.
        Some((index, width)) => (index, width.parse().ok()?),
    };
    let n = index.split('/').try_fold(0_u64, |n, group| {
        let digits: u64 = group.trim_start_matches('x').parse().ok()?;
        n.checked_mul(1000)?.checked_add(digits)
    })?;
    if kind == "entries" {
        Bundle::new(n, width).map(TilePath::Entries)
    } else {
        Tile::new(kind.parse().ok()?, n, width).map(TilePath::Hashes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        for (path, expected) in [
            ("tile/0/x001/x234/067", TilePath::Hashes(Tile::full(0, 1_234_067).unwrap())),
            ("tile/0/000", TilePath::Hashes(Tile::full(0, 0).unwrap())),
            ("tile/0/273.p/112", TilePath::Hashes(Tile::new(0, 273, 112).unwrap())),
            ("tile/2/000.p/1", TilePath::Hashes(Tile::new(2, 0, 1).unwrap())),
            ("tile/1/x001/000", TilePath::Hashes(Tile::full(1, 1_000).unwrap())),
            ("tile/entries/x001/x234/067.p/5", TilePath::Entries(Bundle::new(1_234_067, 5).unwrap())),
        ] {
            assert_eq!(expected.to_string(), path);
            assert_eq!(path.parse(), Ok(expected));
        }
    }

    #[test]
    fn another_form_is_no_path() {
        for bad in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/00/000",
            "tile/0/x000/000",
            "tile/0/x000",
            "tile/0/xx01/000",
            "tile/0/x001/x000",
            "tile/0/1000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/0/000.p/",
            "tile/0/000.p",
            "tile/+0/000",
            "tile/8/000",
            "tile/0/000/",
            "/tile/0/000",
            "tile/entry/000",
            "tile/entries/00",
            "tile/-1/000",
            "tile/0/../000",
            "tile/0/x001/../000",
        ] {
            assert_eq!(bad.parse::<TilePath>(), Err(PathFormatError), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverses(level in 0_u8..8, n in 0_u64..(1 << 50), width in 0_u16..300) {
            if let Some(tile) = Tile::new(level, n, width) {
                let path = TilePath::Hashes(tile);
                prop_assert_eq!(path.to_string().parse(), Ok(path));
            }
            if let Some(bundle) = Bundle::new(n, width) {
                let path = TilePath::Entries(bundle);
                prop_assert_eq!(path.to_string().parse(), Ok(path));
            }
        }

        #[test]
        fn what_is_read_is_printed_the_same(path in "tile/([0-9x]{1,2}|entries)/(x[0-9]{3}/){0,2}[0-9]{3}(\\.p/[0-9]{1,3})?") {
            if let Ok(read) = path.parse::<TilePath>() {
                prop_assert_eq!(read.to_string(), path);
            }
        }
    }
}
