//! Classes whose getters are a table.

/// `#[pymethods]` of a class around one value: its methods, and a line for each getter.
///
/// ```text
/// with_getters!(PyTick, tick {
///     token: u32 = tick.token;
/// } {
///     fn __repr__(&self) -> String { … }
/// });
/// ```
macro_rules! with_getters {
    ($class:ident, $value:ident { $($name:ident: $type:ty = $get:expr;)+ } { $($method:tt)* }) => {
        #[pymethods]
        impl $class {
            $($method)*

            $(
                #[getter]
                fn $name(&self) -> $type {
                    let $value = &self.0;
                    $get
                }
            )+
        }
    };
}

pub(crate) use with_getters;
