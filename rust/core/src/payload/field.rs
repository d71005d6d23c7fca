//! How one field is read and written.
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::msgpack::{Reader, Writer};

/// A value at its place in a payload.
pub trait Field<'a>: Sized {
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError>;
    fn write(&self, to: &mut Writer);
}

/// What is wrong, and in which field. Boxed, so that what is right costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError(Box<(String, String)>);

impl FieldError {
    #[cold]
    pub fn new(what: impl Into<String>) -> Self {
        Self(Box::new((String::new(), what.into())))
    }

    /// It should have been *wanted*; *found* are the bytes that are there.
    #[cold]
    pub fn wanted(wanted: &str, found: &[u8]) -> Self {
        Self::new(format!("{} is no {wanted}", kind_of(found)))
    }

    /// Seen from one level further out.
    #[cold]
    pub fn within(mut self, field: &str) -> Self {
        let path = &mut self.0.0;
        let joint = if path.is_empty() || path.starts_with('[') {
            ""
        } else {
            "."
        };
        *path = format!("{}{joint}{path}", field.trim_start_matches("r#"));
        self
    }

    #[cold]
    fn in_row(self, row: usize) -> Self {
        self.within(&format!("[{row}]"))
    }

    pub fn path(&self) -> &str {
        &self.0.0
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, what) = &*self.0;
        if path.is_empty() {
            out.write_str(what)
        } else {
            write!(out, "{path}: {what}")
        }
    }
}

/// What msgpack's first byte promises.
fn kind_of(found: &[u8]) -> &'static str {
    match found.first() {
        None => "nothing",
        Some(0x00..=0x7f | 0xcc..=0xd3 | 0xe0..=0xff) => "such a number",
        Some(0x80..=0x8f | 0xde | 0xdf) => "a table",
        Some(0x90..=0x9f | 0xdc | 0xdd) => "a list",
        Some(0xa0..=0xbf | 0xd9..=0xdb) => "such a text",
        Some(0xc0) => "null",
        Some(0xc2 | 0xc3) => "true or false",
        Some(0xc4..=0xc6) => "binary",
        Some(0xca | 0xcb) => "a number with a fraction",
        Some(_) => "an extension",
    }
}

fn read<'a, T>(
    from: &mut Reader<'a>,
    wanted: &str,
    one: impl FnOnce(&mut Reader<'a>) -> Option<T>,
) -> Result<T, FieldError> {
    let found = from.0;
    one(from).ok_or_else(|| FieldError::wanted(wanted, found))
}

/// Values that msgpack has itself: what each is called, and how it is read and written.
macro_rules! plain {
    ($($type:ty = $wanted:literal: $read:ident, $write:ident;)+) => {
        $(impl<'a> Field<'a> for $type {
            #[inline]
            fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
                read(from, $wanted, Reader::$read)
            }

            #[inline]
            fn write(&self, to: &mut Writer) {
                to.$write(*self);
            }
        })+
    };
}

plain! {
    i64 = "whole number of 64 bits": int, int;
    f64 = "number": number, number;
    bool = "true or false": bool, bool;
    &'a str = "text in UTF-8": str, text;
    &'a [u8] = "binary": binary, binary;
}

impl<'a, T: Field<'a>> Field<'a> for Vec<T> {
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        let count = read(from, "list", Reader::array)?;
        let row = |row| T::read(from).map_err(|error| error.in_row(row));
        // Room as rows come: a count is only what somebody claims.
        (0..count).map(row).collect()
    }

    fn write(&self, to: &mut Writer) {
        to.array(self.len());
        self.iter().for_each(|row| row.write(to));
    }
}

/// A list that was checked row by row and stays in its bytes: no room is made for what is mostly only passed on.
#[derive(Clone, Debug, PartialEq)]
pub struct List<'a, T> {
    count: usize,
    rows: &'a [u8],
    of: PhantomData<fn() -> T>,
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self {
            count: 0,
            rows: &[],
            of: PhantomData,
        }
    }
}

impl<'a, T: Field<'a>> List<'a, T> {
    pub fn iter(&self) -> impl Iterator<Item = T> {
        let mut rows = Reader(self.rows);
        (0..self.count).map_while(move |_| T::read(&mut rows).ok())
    }
}

impl<'a, T: Field<'a>> Field<'a> for List<'a, T> {
    #[inline]
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        let count = read(from, "list", Reader::array)?;
        let (_, rows) = taken(from, |from| {
            (0..count).try_for_each(|row| match T::read(from) {
                Ok(_) => Ok(()),
                Err(error) => Err(error.in_row(row)),
            })
        })?;
        Ok(Self {
            count,
            rows,
            of: PhantomData,
        })
    }

    fn write(&self, to: &mut Writer) {
        to.array(self.count).raw(self.rows);
    }
}

/// Values by name, checked, and left in their bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<'a, T> {
    count: usize,
    rows: &'a [u8],
    of: PhantomData<fn() -> T>,
}

impl<T> Default for Table<'_, T> {
    fn default() -> Self {
        Self {
            count: 0,
            rows: &[],
            of: PhantomData,
        }
    }
}

impl<'a, T: Field<'a>> Table<'a, T> {
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, T)> {
        let mut rows = Reader(self.rows);
        (0..self.count).map_while(move |_| Some((rows.str()?, T::read(&mut rows).ok()?)))
    }
}

impl<'a, T: Field<'a>> Field<'a> for Table<'a, T> {
    #[inline]
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        let count = read(from, "table", Reader::map)?;
        let (_, rows) = taken(from, |from| {
            (0..count).try_for_each(|row| {
                let name = <&str>::read(from).map_err(|error| error.in_row(row))?;
                T::read(from)
                    .map(|_| ())
                    .map_err(|error| error.within(name))
            })
        })?;
        Ok(Self {
            count,
            rows,
            of: PhantomData,
        })
    }

    fn write(&self, to: &mut Writer) {
        to.map(self.count).raw(self.rows);
    }
}

/// A value together with the bytes that it was read from: passed on as it came, byte for byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole<'a, T> {
    value: T,
    bytes: &'a [u8],
}

impl<'a, T> Whole<'a, T> {
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<T> Deref for Whole<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'a, T: Field<'a>> Field<'a> for Whole<'a, T> {
    #[inline]
    fn read(from: &mut Reader<'a>) -> Result<Self, FieldError> {
        let (value, bytes) = taken(from, T::read)?;
        Ok(Self { value, bytes })
    }

    #[inline]
    fn write(&self, to: &mut Writer) {
        to.raw(self.bytes);
    }
}

/// What *read* makes, and the bytes that it took.
#[inline]
fn taken<'a, T>(
    from: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, FieldError>,
) -> Result<(T, &'a [u8]), FieldError> {
    let all = from.0;
    let value = read(from)?;
    Ok((value, &all[..all.len() - from.0.len()]))
}
