//! Values that stand in a handler's snapshot and in no message.
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::field::{Field, FieldError};
use crate::calendar::Calendar;
use crate::day::Day;
use crate::msgpack::{Reader, Writer};
use crate::terms::{Exchange, InstrumentKind};

spelled!(Exchange, InstrumentKind);

/// Implements `Field` for a struct that is declared elsewhere: its fields, in this order. One left out does not compile.
macro_rules! fields {
    ($($name:ident { $($field:ident),+ $(,)? })+) => {
        $(impl<'a> $crate::payload::Field<'a> for $name {
            fn read(
                from: &mut $crate::msgpack::Reader<'a>,
            ) -> Result<Self, $crate::payload::FieldError> {
                $crate::payload::check_count(from, [$(stringify!($field)),+].len())?;
                Ok(Self {
                    $($field: $crate::payload::Field::read(from)
                        .map_err(|fault| fault.within(stringify!($field)))?),+
                })
            }

            fn write(&self, to: &mut $crate::msgpack::Writer) {
                let Self { $($field),+ } = self;
                to.array([$(stringify!($field)),+].len());
                $($crate::payload::Field::write($field, to);)+
            }
        })+
    };
}

/// Numbers that fit into 64 bits.
macro_rules! whole {
    ($($type:ty),+) => {
        $(impl Field<'_> for $type {
            fn read(from: &mut Reader<'_>) -> Result<Self, FieldError> {
                let value = i64::read(from)?;
                Self::try_from(value).map_err(|_| FieldError::new(format!("{value} is out of range")))
            }

            fn write(&self, to: &mut Writer) {
                to.int(i64::try_from(*self).expect("what a snapshot counts fits into 63 bits"));
            }
        })+
    };
}

whole!(u8, i32, u32, usize);

/// Wide numbers and hashes, by their bytes.
macro_rules! wide {
    ($($type:ty),+) => {
        $(impl Field<'_> for $type {
            fn read(from: &mut Reader<'_>) -> Result<Self, FieldError> {
                let found = <&[u8]>::read(from)?;
                let bytes = found.try_into();
                bytes
                    .map(Self::from_be_bytes)
                    .map_err(|_| FieldError::new(format!("{} bytes are no such number", found.len())))
            }

            fn write(&self, to: &mut Writer) {
                to.binary(&self.to_be_bytes());
            }
        })+
    };
}

wide!(u64, i128, u128);

impl Field<'_> for () {
    fn read(_: &mut Reader<'_>) -> Result<Self, FieldError> {
        Ok(())
    }

    fn write(&self, _: &mut Writer) {}
}

impl Field<'_> for Box<str> {
    fn read(from: &mut Reader<'_>) -> Result<Self, FieldError> {
        <&str>::read(from).map(Into::into)
    }

    fn write(&self, to: &mut Writer) {
        to.text(self);
    }
}

impl Field<'_> for Box<[u8]> {
    fn read(from: &mut Reader<'_>) -> Result<Self, FieldError> {
        <&[u8]>::read(from).map(Into::into)
    }

    fn write(&self, to: &mut Writer) {
        to.binary(self);
    }
}

/// No part of anybody's state: whoever restores one hands the calendar in again.
impl Field<'_> for Arc<Calendar> {
    fn read(_: &mut Reader<'_>) -> Result<Self, FieldError> {
        Ok(Calendar::shipped())
    }

    fn write(&self, _: &mut Writer) {}
}

impl Field<'_> for Day {
    fn read(from: &mut Reader<'_>) -> Result<Self, FieldError> {
        Field::read(from).map(Day)
    }

    fn write(&self, to: &mut Writer) {
        self.0.write(to);
    }
}

/// None, or one: a list of at most one.
impl<'a, T: Field<'a>> Field<'a> for Option<T> {
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        let mut all = Vec::read(from)?;
        match all.len() {
            0 | 1 => Ok(all.pop()),
            more => Err(FieldError::new(format!(
                "{more} values where one is the most"
            ))),
        }
    }

    fn write(&self, to: &mut Writer) {
        to.array(usize::from(self.is_some()));
        self.iter().for_each(|value| value.write(to));
    }
}

impl<'a, T: Field<'a>, const N: usize> Field<'a> for [T; N] {
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        let all = Vec::read(from)?;
        let count = all.len();
        all.try_into()
            .map_err(|_| FieldError::new(format!("{count} values where there are {N}")))
    }

    fn write(&self, to: &mut Writer) {
        to.array(N);
        self.iter().for_each(|value| value.write(to));
    }
}

impl<'a, T: Field<'a>> Field<'a> for VecDeque<T> {
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        Vec::read(from).map(Into::into)
    }

    fn write(&self, to: &mut Writer) {
        to.array(self.len());
        self.iter().for_each(|value| value.write(to));
    }
}

impl<'a, A: Field<'a>, B: Field<'a>> Field<'a> for (A, B) {
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        super::check_count(from, 2)?;
        Ok((A::read(from)?, B::read(from)?))
    }

    fn write(&self, to: &mut Writer) {
        to.array(2);
        self.0.write(to);
        self.1.write(to);
    }
}

impl<'a, K: Field<'a> + Ord, V: Field<'a>> Field<'a> for BTreeMap<K, V> {
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        Vec::<(K, V)>::read(from).map(|rows| rows.into_iter().collect())
    }

    fn write(&self, to: &mut Writer) {
        to.array(self.len());
        for (key, value) in self {
            to.array(2);
            key.write(to);
            value.write(to);
        }
    }
}

/// In the order of its keys, so that equal maps are equal bytes.
impl<'a, K, V, S> Field<'a> for HashMap<K, V, S>
where
    K: Field<'a> + Ord + Hash,
    V: Field<'a>,
    S: BuildHasher + Default,
{
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        Vec::<(K, V)>::read(from).map(|rows| rows.into_iter().collect())
    }

    fn write(&self, to: &mut Writer) {
        let mut rows: Vec<_> = self.iter().collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        to.array(rows.len());
        for (key, value) in rows {
            to.array(2);
            key.write(to);
            value.write(to);
        }
    }
}
