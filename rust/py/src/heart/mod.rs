use pyo3::prelude::*;

mod event;

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<event::Event>()
}
