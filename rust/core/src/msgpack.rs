//! The little msgpack that the core reads and writes itself: clocks, watermarks, words about gaps, signals and verdicts.

/// Reads from the front of a slice; `None` for anything else than was asked for.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn be(&mut self, count: usize) -> Option<u64> {
        Some(
            self.take(count)?
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
        )
    }

    pub fn array(&mut self) -> Option<usize> {
        match self.byte()? {
            head @ 0x90..=0x9f => Some(usize::from(head & 0xf)),
            0xdc => self.be(2).map(|n| n as usize),
            0xdd => self.be(4).map(|n| n as usize),
            _ => None,
        }
    }

    pub fn map(&mut self) -> Option<usize> {
        match self.byte()? {
            head @ 0x80..=0x8f => Some(usize::from(head & 0xf)),
            0xde => self.be(2).map(|n| n as usize),
            0xdf => self.be(4).map(|n| n as usize),
            _ => None,
        }
    }

    pub fn int(&mut self) -> Option<i64> {
        match self.byte()? {
            small @ 0..=0x7f => Some(i64::from(small)),
            negative @ 0xe0..=0xff => Some(i64::from(negative as i8)),
            0xcc => self.be(1).map(|n| n as i64),
            0xcd => self.be(2).map(|n| n as i64),
            0xce => self.be(4).map(|n| n as i64),
            0xcf => self.be(8).and_then(|n| i64::try_from(n).ok()),
            0xd0 => self.be(1).map(|n| i64::from(n as u8 as i8)),
            0xd1 => self.be(2).map(|n| i64::from(n as u16 as i16)),
            0xd2 => self.be(4).map(|n| i64::from(n as u32 as i32)),
            0xd3 => self.be(8).map(|n| n as i64),
            _ => None,
        }
    }

    pub fn text(&mut self) -> Option<&'a [u8]> {
        let length = match self.byte()? {
            head @ 0xa0..=0xbf => usize::from(head & 0x1f),
            0xd9 => self.be(1)? as usize,
            0xda => self.be(2)? as usize,
            0xdb => self.be(4)? as usize,
            _ => return None,
        };
        self.take(length)
    }

    /// Text that is UTF-8.
    pub fn str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.text()?).ok()
    }

    /// A number with a fraction, or a whole one; which it was is of no concern here.
    pub fn number(&mut self) -> Option<f64> {
        match self.0.first()? {
            0xca => self.take(5)?[1..]
                .try_into()
                .ok()
                .map(f32::from_be_bytes)
                .map(f64::from),
            0xcb => self.take(9)?[1..].try_into().ok().map(f64::from_be_bytes),
            _ => self.int().map(|whole| whole as f64),
        }
    }

    pub fn bool(&mut self) -> Option<bool> {
        match self.byte()? {
            0xc2 => Some(false),
            0xc3 => Some(true),
            _ => None,
        }
    }

    /// Passes over one value, whatever it is.
    pub fn skip(&mut self) -> Option<()> {
        let mut values = 1usize;
        while values > 0 {
            values -= 1;
            let before = self.0;
            match self.byte()? {
                0..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => {}
                0xcc | 0xd0 => self.take(1).map(drop)?,
                0xcd | 0xd1 => self.take(2).map(drop)?,
                0xce | 0xd2 | 0xca => self.take(4).map(drop)?,
                0xcf | 0xd3 | 0xcb => self.take(8).map(drop)?,
                head => {
                    self.0 = before;
                    match head {
                        0xa0..=0xbf | 0xd9..=0xdb => self.text().map(drop)?,
                        0xc4..=0xc6 => self.binary().map(drop)?,
                        0x90..=0x9f | 0xdc | 0xdd => values = values.checked_add(self.array()?)?,
                        0x80..=0x8f | 0xde | 0xdf => {
                            values = values.checked_add(self.map()?.checked_mul(2)?)?;
                        }
                        _ => return None, // no extension types
                    }
                }
            }
        }
        Some(())
    }

    pub fn binary(&mut self) -> Option<&'a [u8]> {
        let length = match self.byte()? {
            0xc4 => self.be(1)? as usize,
            0xc5 => self.be(2)? as usize,
            0xc6 => self.be(4)? as usize,
            _ => return None,
        };
        self.take(length)
    }
}

/// Writes what the readers of the contracts read, in msgpack's shortest forms.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn array(&mut self, count: usize) -> &mut Self {
        match count {
            0..=15 => self.0.push(0x90 | count as u8),
            _ => self.long(&[None, Some(0xdc), Some(0xdd)], count),
        }
        self
    }

    pub fn map(&mut self, count: usize) -> &mut Self {
        match count {
            0..=15 => self.0.push(0x80 | count as u8),
            _ => self.long(&[None, Some(0xde), Some(0xdf)], count),
        }
        self
    }

    #[inline]
    fn put(&mut self, head: u8, bytes: &[u8]) {
        self.0.push(head);
        self.0.extend_from_slice(bytes);
    }

    /// A length in the fewest bytes that its kind has a head for: of one, two and four.
    fn long(&mut self, heads: &[Option<u8>; 3], length: usize) {
        match (length, heads) {
            (..=0xff, [Some(head), ..]) => self.put(*head, &[length as u8]),
            (..=0xffff, [_, Some(head), _]) => self.put(*head, &(length as u16).to_be_bytes()),
            (_, [_, _, head]) => {
                let length = u32::try_from(length).expect("less than 4 GiB");
                self.put(head.expect("every kind has it"), &length.to_be_bytes());
            }
        }
    }

    pub fn uint(&mut self, value: u64) -> &mut Self {
        match value {
            0..=0x7f => self.0.push(value as u8),
            0x80..=0xff => self.0.extend_from_slice(&[0xcc, value as u8]),
            0x100..=0xffff => self.put(0xcd, &(value as u16).to_be_bytes()),
            0x1_0000..=0xffff_ffff => self.put(0xce, &(value as u32).to_be_bytes()),
            _ => self.put(0xcf, &value.to_be_bytes()),
        }
        self
    }

    pub fn int(&mut self, value: i64) -> &mut Self {
        if let Ok(value) = u64::try_from(value) {
            return self.uint(value);
        }
        match value {
            -32.. => self.0.push(value as i8 as u8),
            -128.. => self.0.extend_from_slice(&[0xd0, value as i8 as u8]),
            -32_768.. => self.put(0xd1, &(value as i16).to_be_bytes()),
            -2_147_483_648.. => self.put(0xd2, &(value as i32).to_be_bytes()),
            _ => self.put(0xd3, &value.to_be_bytes()),
        }
        self
    }

    /// What is msgpack already.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.0.push(if value { 0xc3 } else { 0xc2 });
        self
    }

    pub fn number(&mut self, value: f64) -> &mut Self {
        self.0.push(0xcb);
        self.raw(&value.to_be_bytes())
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        match text.len() {
            length @ 0..=31 => self.0.push(0xa0 | length as u8),
            length => self.long(&[Some(0xd9), Some(0xda), Some(0xdb)], length),
        }
        self.raw(text.as_bytes())
    }

    pub fn binary(&mut self, bytes: &[u8]) -> &mut Self {
        self.long(&[Some(0xc4), Some(0xc5), Some(0xc6)], bytes.len());
        self.raw(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(value: u64, signed: i64, text in "[a-z.]{0,600}", count in 0usize..70_000, share: f64, flag: bool) {
            let mut writer = Writer::default();
            writer.array(count).map(count).uint(value).int(signed).int(signed >> 40).text(&text);
            writer.number(share).bool(flag).binary(text.as_bytes());

            let mut reader = Reader(&writer.0);
            prop_assert_eq!(reader.array(), Some(count));
            prop_assert_eq!(reader.map(), Some(count));
            prop_assert_eq!(reader.int(), i64::try_from(value).ok());
            prop_assert_eq!(reader.int(), Some(signed));
            prop_assert_eq!(reader.int(), Some(signed >> 40));
            prop_assert_eq!(reader.str(), Some(text.as_str()));
            prop_assert_eq!(reader.number().map(f64::to_bits), Some(share.to_bits()));
            prop_assert_eq!((reader.bool(), reader.binary()), (Some(flag), Some(text.as_bytes())));
            prop_assert_eq!(reader.0.len(), 0);
        }

        #[test]
        fn any_bytes_are_read_or_not(bytes: Vec<u8>) {
            let _ = Reader(&bytes).array();
            let _ = Reader(&bytes).map();
            let _ = Reader(&bytes).int();
            let _ = Reader(&bytes).text();
            let _ = Reader(&bytes).binary();
            let _ = Reader(&bytes).str();
            let _ = Reader(&bytes).number();
            let _ = Reader(&bytes).bool();
        }
    }

    #[test]
    fn negative_integers_of_all_widths_are_read() {
        assert_eq!(Reader(&[0xff]).int(), Some(-1));
        assert_eq!(Reader(&[0xd0, 0x80]).int(), Some(-128));
        assert_eq!(Reader(&[0xd1, 0xff, 0x7f]).int(), Some(-129));
        assert_eq!(
            Reader(&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]).int(),
            Some(i64::MIN)
        );
    }
}
