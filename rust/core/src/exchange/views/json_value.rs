//! What an answer looks like before it is JSON or a Python object: one description for both.

use std::borrow::Cow;
use std::fmt::Write;

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

impl Value {
    /// Appends it as JSON.
    pub fn write_json(&self, json: &mut String) {
        match self {
            Self::Null => json.push_str("null"),
            Self::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => write_int(*value, json),
            Self::Rupees(e4) => write_rupees(*e4, json),
            Self::Number(value) if value.is_finite() => {
                write!(json, "{value}").expect("a string takes everything");
            }
            // JSON has no word for it.
            Self::Number(_) => json.push_str("null"),
            Self::Text(text) => write_text(text, json),
            Self::List(values) => {
                json.push('[');
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        json.push(',');
                    }
                    value.write_json(json);
                }
                json.push(']');
            }
            Self::Object(members) => {
                json.push('{');
                for (place, (name, value)) in members.iter().enumerate() {
                    if place > 0 {
                        json.push(',');
                    }
                    write_text(name, json);
                    json.push(':');
                    value.write_json(json);
                }
                json.push('}');
            }
        }
    }
}

fn write_int(value: i64, json: &mut String) {
    if value < 0 {
        json.push('-');
    }
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    let mut left = value.unsigned_abs();
    loop {
        first -= 1;
        digits[first] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    json.push_str(std::str::from_utf8(&digits[first..]).expect("digits are ASCII"));
}

/// Rupees with as many places as they have, a whole amount without a point.
fn write_rupees(e4: i64, json: &mut String) {
    if e4 % 10_000 == 0 {
        write_int(e4 / 10_000, json);
        return;
    }
    if e4 < 0 {
        json.push('-');
    }
    let (whole, mut part) = (e4.unsigned_abs() / 10_000, e4.unsigned_abs() % 10_000);
    write_int(whole as i64, json);
    json.push('.');
    let mut place = 1_000;
    while part > 0 {
        json.push((b'0' + (part / place) as u8) as char);
        part %= place;
        place /= 10;
    }
}

fn write_text(text: &str, json: &mut String) {
    json.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        json.push_str(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            byte => write!(json, "\\u{byte:04x}").expect("a string takes everything"),
        }
    }
    json.push_str(&text[plain..]);
    json.push('"');
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

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self::List(values.into_iter().collect())
    }
}

/// An object from its members, in their order. A member named like a word of Rust is written with r#.
macro_rules! object {
    ($($key:ident : $value:expr),* $(,)?) => {
        $crate::exchange::views::json_value::Value::Object(vec![
            $((std::borrow::Cow::Borrowed(stringify!($key).trim_start_matches("r#")), $crate::exchange::views::json_value::Value::from($value))),*
        ])
    };
}
pub(crate) use object;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(value: impl Into<Value>) -> String {
        let mut text = String::new();
        value.into().write_json(&mut text);
        text
    }

    #[test]
    fn an_answer_is_json_with_its_members_in_their_order() {
        let row = object! {
            order_id: "1",
            price: Value::Rupees(14_005_500),
            filled: -7_i64,
            message: Option::<String>::None,
            modified: true,
            change: Value::Number(-0.25),
            none: Value::Number(f64::NAN),
            tags: vec!["a", "b"],
            meta: object! {},
        };

        let wanted = r#"{"order_id":"1","price":1400.55,"filled":-7,"message":null,"modified":true,"change":-0.25,"none":null,"tags":["a","b"],"meta":{}}"#;
        assert_eq!(json(row), wanted);
        assert_eq!(json(Vec::<Value>::new()), "[]");
    }

    #[test]
    fn what_json_reserves_is_written_otherwise() {
        assert_eq!(json("a\"b\\c\n₹\u{1}"), r#""a\"b\\c\u000a₹\u0001""#);
    }

    proptest! {
        #[test]
        fn amounts_are_the_shortest_decimal_of_themselves(e4 in any::<i64>().prop_map(|e4| e4 / 16)) {
            let text = json(Value::Rupees(e4));
            let digits = text.replace(['.', '-'], "");
            let places = text.split_once('.').map_or(0, |(_, places)| places.len());
            prop_assert!(places <= 4 && !(text.contains('.') && text.ends_with('0')));
            let magnitude: u64 = digits.parse().expect("digits");
            prop_assert_eq!(magnitude * 10_u64.pow(4 - places as u32), e4.unsigned_abs());
            prop_assert_eq!(text.starts_with('-'), e4 < 0);
        }

        #[test]
        fn integers_are_themselves(value in any::<i64>()) {
            prop_assert_eq!(json(value), value.to_string());
        }
    }
}
