//! A struct that travels as an array: its fields, in this order.

/// Declares payloads and the rows inside them. What has a topic of its own says it behind its name.
macro_rules! records {
    ($($(#[$meta:meta])* $name:ident $(<$life:lifetime>)? $(: $topic:literal)? {
        $($(#[$field_meta:meta])* $field:ident: $type:ty),+ $(,)?
    })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name $(<$life>)? {
                $($(#[$field_meta])* pub $field: $type),+
            }

            records!(@field $name, [$($life)?], $($field)+);
            records!(@topic $name, [$($life)?], [$($topic)?], $($field)+);
        )+
    };
    (@field $name:ident, [], $($field:ident)+) => {
        impl<'a> $crate::payload::Field<'a> for $name {
            records!(@body 'a, $($field)+);
        }
    };
    (@field $name:ident, [$life:lifetime], $($field:ident)+) => {
        impl<$life> $crate::payload::Field<$life> for $name<$life> {
            records!(@body $life, $($field)+);
        }
    };
    (@body $life:lifetime, $($field:ident)+) => {
        #[inline]
        fn read(
            from: &mut $crate::msgpack::Reader<$life>,
        ) -> Result<Self, $crate::payload::FieldError> {
            $crate::payload::check_count(from, [$(stringify!($field)),+].len())?;
            Ok(Self {
                $($field: $crate::payload::Field::read(from)
                    .map_err(|fault| fault.within(stringify!($field)))?),+
            })
        }

        #[inline]
        fn write(&self, to: &mut $crate::msgpack::Writer) {
            to.array([$(stringify!($field)),+].len());
            $($crate::payload::Field::write(&self.$field, to);)+
        }
    };
    (@topic $name:ident, $life:tt, [], $($field:ident)+) => {};
    (@topic $name:ident, [], [$topic:literal], $($field:ident)+) => {
        impl<'a> $crate::payload::Payload<'a> for $name {
            const TOPIC: &'static str = $topic;
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];
        }
    };
    (@topic $name:ident, [$life:lifetime], [$topic:literal], $($field:ident)+) => {
        impl<$life> $crate::payload::Payload<$life> for $name<$life> {
            const TOPIC: &'static str = $topic;
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];
        }
    };
}

/// Reads and writes a closed set of words by their spelling.
macro_rules! spelled {
    ($($name:ty),+ $(,)?) => {
        $(impl<'a> $crate::payload::Field<'a> for $name {
            #[inline]
            fn read(
                from: &mut $crate::msgpack::Reader<'a>,
            ) -> Result<Self, $crate::payload::FieldError> {
                let text = <&str as $crate::payload::Field>::read(from)?;
                Self::parse(text).ok_or_else(|| {
                    $crate::payload::FieldError::new(format!("{text:?} is none of {}", Self::names()))
                })
            }

            #[inline]
            fn write(&self, to: &mut $crate::msgpack::Writer) {
                to.text(self.name());
            }
        })+
    };
}

/// An array of exactly so many fields.
#[inline]
pub(crate) fn check_count(
    from: &mut crate::msgpack::Reader<'_>,
    wanted: usize,
) -> Result<(), super::field::FieldError> {
    let found = from.0;
    match from.array() {
        Some(count) if count == wanted => Ok(()),
        Some(count) => Err(super::field::FieldError::new(format!(
            "it has {count} fields, this build reads {wanted}"
        ))),
        None => Err(super::field::FieldError::wanted("list of fields", found)),
    }
}
