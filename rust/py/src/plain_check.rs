//! `PlainCheck`: whether the fields of an object are of their very types and within their bounds, as nearly always.
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFloat, PyFrozenSet, PyInt, PyString, PyTuple, PyType};

enum Rule {
    /// One of these.
    Word(Py<PyFrozenSet>),
    /// ASCII, and at most so long.
    Text(usize),
    Whole(i64, i64),
    Number(f64, f64),
}

impl Rule {
    fn read(rule: &Bound<'_, PyAny>) -> PyResult<Rule> {
        if let Ok(words) = rule.cast::<PyFrozenSet>() {
            Ok(Rule::Word(words.clone().unbind()))
        } else if let Ok(longest) = rule.extract() {
            Ok(Rule::Text(longest))
        } else if let Ok((least, most)) = rule.extract() {
            Ok(Rule::Whole(least, most))
        } else if let Ok((least, most)) = rule.extract() {
            Ok(Rule::Number(least, most))
        } else {
            Err(PyTypeError::new_err(format!("no rule: {rule}")))
        }
    }

    fn holds(&self, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(match self {
            Rule::Word(words) => {
                value.is_exact_instance_of::<PyString>()
                    && words.bind(value.py()).contains(value)?
            }
            Rule::Text(longest) => match value.cast_exact::<PyString>() {
                Ok(text) => text
                    .to_str()
                    .is_ok_and(|text| text.is_ascii() && text.len() <= *longest),
                Err(_) => false,
            },
            Rule::Whole(least, most) => {
                value.is_exact_instance_of::<PyInt>()
                    && value
                        .extract::<i64>()
                        .is_ok_and(|number| (*least..=*most).contains(&number))
            }
            Rule::Number(least, most) => match value.cast_exact::<PyFloat>() {
                Ok(number) => (*least..=*most).contains(&number.value()),
                Err(_) => false,
            },
        })
    }
}

#[pyclass(frozen, module = "kitev3._core")]
pub struct PlainCheck {
    rules: Vec<(String, Rule)>,
    fields: Py<PyAny>,
    otherwise: Py<PyAny>,
    /// The class that was seen first, and which rule each of its fields has.
    known: PyOnceLock<(Py<PyType>, Vec<usize>)>,
}

impl PlainCheck {
    /// The place of each field's rule.
    fn known(&self, class: &Bound<'_, PyType>) -> PyResult<(Py<PyType>, Vec<usize>)> {
        let names: Vec<String> = class.getattr("__struct_fields__")?.extract()?;
        let places = names.iter().map(|name| {
            let place = self.rules.iter().position(|(field, _)| field == name);
            place.ok_or_else(|| PyTypeError::new_err(format!("no rule for {name}")))
        });
        Ok((class.clone().unbind(), places.collect::<PyResult<_>>()?))
    }
}

#[pymethods]
impl PlainCheck {
    #[new]
    fn new(rules: &Bound<'_, PyDict>, fields: Py<PyAny>, otherwise: Py<PyAny>) -> PyResult<Self> {
        let rules = rules
            .iter()
            .map(|(field, rule)| Ok((field.extract()?, Rule::read(&rule)?)));
        Ok(Self {
            rules: rules.collect::<PyResult<_>>()?,
            fields,
            otherwise,
            known: PyOnceLock::new(),
        })
    }

    fn __call__(&self, made: &Bound<'_, PyAny>) -> PyResult<()> {
        let (py, class) = (made.py(), made.get_type());
        let (known, places) = self.known.get_or_try_init(py, || self.known(&class))?;
        let mut is_plain = known.is(&class);
        if is_plain {
            let fields = self
                .fields
                .bind(py)
                .call1((made,))?
                .cast_into::<PyTuple>()?;
            for (place, value) in places.iter().zip(fields.iter_borrowed()) {
                is_plain = is_plain && self.rules[*place].1.holds(&value)?;
            }
        }
        if !is_plain {
            self.otherwise.bind(py).call1((made,))?;
        }
        Ok(())
    }
}
