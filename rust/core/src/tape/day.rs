use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::TapeError;

/// A market day, written `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day([u8; 10]);

impl Day {
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("a day is made of digits and dashes")
    }

    /// What the first record's CRC is seeded with: a tape under another day's name is refused.
    pub(super) fn seed(&self) -> u32 {
        crc32c::crc32c(&self.0)
    }

    pub(super) fn segment_path(&self, dir: &Path, segment: u32) -> PathBuf {
        dir.join(format!("{self}.{segment:03}.tape"))
    }

    pub(super) fn note_path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{self}.synced"))
    }
}

/// `2026-11-19.003.tape` is the day's segment 3; another name is not a segment.
pub(super) fn parse_name(name: &str) -> Option<(Day, u32)> {
    let (day, number) = name.strip_suffix(".tape")?.split_once('.')?;
    let day = day.parse().ok()?;
    let segment = number.parse().ok()?;
    (number == format!("{segment:03}")).then_some((day, segment))
}

impl FromStr for Day {
    type Err = TapeError;

    fn from_str(text: &str) -> Result<Self, TapeError> {
        let refused = || TapeError::BadDay(text.to_owned());
        let bytes: [u8; 10] = text.as_bytes().try_into().map_err(|_| refused())?;
        let shaped = bytes.iter().enumerate().all(|(i, byte)| match i {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        let two = |i: usize| (bytes[i] - b'0') * 10 + (bytes[i + 1] - b'0');
        if !shaped || !(1..=12).contains(&two(5)) || !(1..=31).contains(&two(8)) {
            return Err(refused());
        }
        Ok(Day(bytes))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::disk::Folder;
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        for text in ["2026-11-19", "2022-01-01", "1999-12-31"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_day_is_refused() {
        for text in [
            "",
            "2026-13-01",
            "2026-00-10",
            "2026-01-32",
            "2026-1-01",
            "20261119",
            "2026-11-19x",
            "../../../x",
            "२०२६",
        ] {
            assert!(
                matches!(text.parse::<Day>(), Err(TapeError::BadDay(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn segments_sort_by_number_also_above_999() {
        let dir = tempfile::tempdir().unwrap();
        let day: Day = "2026-11-19".parse().unwrap();
        for segment in [1000, 999, 2, 0] {
            fs::write(day.segment_path(dir.path(), segment), b"").unwrap();
        }
        for other in [
            "2026-11-19.synced",
            "2026-11-19.0001.tape",
            "2026-11-19.1.tape",
            "2026-11-18.001.tape",
            "x.000.tape",
        ] {
            fs::write(dir.path().join(other), b"").unwrap();
        }

        assert_eq!(
            Folder::from(dir.path()).segments(day).unwrap(),
            [0, 2, 999, 1000]
        );
        assert_eq!(Folder::from(dir.path()).days().unwrap(), [day]);
    }
}
