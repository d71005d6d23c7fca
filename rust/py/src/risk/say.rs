//! The core's answers as the contracts' structs.
use kitev3_core::risk::{Gate, Judgement, Reservation, Verdict};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple, PyType};

/// The contracts' classes, looked up once. Not at import: they import this module themselves.
struct Contracts {
    approved: Py<PyType>,
    blocked: Py<PyType>,
    verdict: Py<PyType>,
    reservation: Py<PyType>,
    position: Py<PyType>,
    snapshot: Py<PyType>,
}

static CONTRACTS: PyOnceLock<Contracts> = PyOnceLock::new();

fn contracts(py: Python<'_>) -> PyResult<&Contracts> {
    CONTRACTS.get_or_try_init(py, || {
        let module = py.import("kitev3.contracts")?;
        let class = |name: &str| -> PyResult<Py<PyType>> {
            Ok(module.getattr(name)?.cast_into::<PyType>()?.unbind())
        };
        Ok(Contracts {
            approved: class("Approved")?,
            blocked: class("Blocked")?,
            verdict: class("Verdict")?,
            reservation: class("Reservation")?,
            position: class("Position")?,
            snapshot: class("PortfolioSnapshot")?,
        })
    })
}

/// The verdict on an order that every rule has passed is the same for all of them: made once, shared.
#[derive(Default)]
pub struct Passed(Option<(u64, Py<PyAny>)>);

impl Passed {
    fn verdict<'py>(&mut self, py: Python<'py>, verdict: &Verdict) -> PyResult<Bound<'py, PyAny>> {
        if let Some((evaluated, made)) = &self.0
            && *evaluated == verdict.evaluated
        {
            return Ok(made.bind(py).clone());
        }
        let made = say_verdict(py, verdict)?;
        self.0 = Some((verdict.evaluated, made.clone().unbind()));
        Ok(made)
    }
}

fn say_verdict<'py>(py: Python<'py>, verdict: &Verdict) -> PyResult<Bound<'py, PyAny>> {
    let (rule, why) = match &verdict.first {
        Some((rule, why)) => (format!("R{rule:02}"), why.to_string()),
        None => (String::new(), String::new()),
    };
    contracts(py)?
        .verdict
        .bind(py)
        .call1((verdict.evaluated, verdict.refused, rule, why))
}

pub fn judgement<'py>(
    py: Python<'py>,
    intent_id: &Bound<'py, PyString>,
    signal: &Bound<'py, PyAny>,
    judgement: &Judgement,
    passed: &mut Passed,
) -> PyResult<Bound<'py, PyAny>> {
    let classes = contracts(py)?;
    match judgement {
        Judgement::Approved(approved) => {
            let verdict = passed.verdict(py, approved.verdict())?;
            let Reservation {
                quantity,
                value_e4,
                margin_e4,
            } = *approved.reservation();
            let reservation = classes
                .reservation
                .bind(py)
                .call1((quantity, value_e4, margin_e4))?;
            classes
                .approved
                .bind(py)
                .call1((intent_id, signal, verdict, reservation))
        }
        Judgement::Blocked(verdict) => {
            classes
                .blocked
                .bind(py)
                .call1((intent_id, signal, say_verdict(py, verdict)?))
        }
    }
}

pub fn snapshot<'py>(py: Python<'py>, gate: &Gate, now_ns: i64) -> PyResult<Bound<'py, PyAny>> {
    let classes = contracts(py)?;
    let mut rows = Vec::new();
    for (at, booked) in gate.portfolio().positions().iter().enumerate() {
        let position = &booked.position;
        let (token, mark_e4) = gate.quote_of(at);
        rows.push(classes.position.bind(py).call1((
            booked.key.exchange.name(),
            &*booked.key.tradingsymbol,
            token,
            booked.key.product.name(),
            position.quantity(),
            position.average_e4(),
            mark_e4,
            position.realised_e4,
            position.unrealised_e4().unwrap_or(0),
            booked.charges_e4(),
        ))?);
    }
    let reading = gate.reading(now_ns);
    classes.snapshot.bind(py).call1((
        PyTuple::new(py, rows)?,
        reading.gross_e4,
        reading.charges_e4,
        reading.gross_e4.saturating_sub(reading.charges_e4),
        gate.limits().capital_e4.unwrap_or(0),
        reading.reserved_e4,
        reading.open_orders,
        reading.standing.to_string(),
        PyTuple::new(py, gate.limits().missing())?,
        gate.tripped(now_ns).unwrap_or(""),
    ))
}
