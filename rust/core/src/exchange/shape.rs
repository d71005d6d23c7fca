//! What an answer looks like before it is JSON or a Python object: one description for both.

use std::borrow::Cow;

/// A value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// An amount or price in 1/10,000 rupee; shown in rupees, whole ones without a point.
    Rupees(i64),
    /// A number that is no amount: a percentage.
    Number(f64),
    Text(Cow<'static, str>),
    List(Vec<Value>),
    Object(Vec<(Cow<'static, str>, Value)>),
}

impl Value {
    /// The member of an object; none of anything else.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// Sets a member of an object, at its end when it is new.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        let Self::Object(members) = self else {
            panic!("only an object has members")
        };
        match members.iter_mut().find(|(name, _)| name == key) {
            Some(member) => member.1 = value.into(),
            None => members.push((key.into(), value.into())),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&'static str> for Value {
    fn from(value: &'static str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// An object from its members, in their order. A member named like a word of Rust is written with r#.
macro_rules! object {
    ($($key:ident : $value:expr),* $(,)?) => {
        $crate::exchange::shape::Value::Object(vec![
            $((std::borrow::Cow::Borrowed(stringify!($key).trim_start_matches("r#")), $crate::exchange::shape::Value::from($value))),*
        ])
    };
}
pub(crate) use object;
