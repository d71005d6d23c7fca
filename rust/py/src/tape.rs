use std::path::PathBuf;
use std::time::Duration;

use kitev3_core::tape::{
    Anchor, Chain, ChainBroken, Day, Days, Kind, Options, Position, TapeError, Writer,
};
use pyo3::exceptions::{PyBlockingIOError, PyException, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<TapeKind>()?;
    module.add_class::<TapeCorrupt>()?;
    module.add("TapeAltered", module.py().get_type::<TapeAltered>())?;
    module.add_class::<TapeWriter>()?;
    module.add_class::<TapeReader>()?;
    module.add_class::<TapeChain>()
}

pyo3::create_exception!(kitev3._core, TapeAltered, PyException);

#[pyclass(module = "kitev3._core", extends = PyException, frozen)]
struct TapeCorrupt {
    #[pyo3(get)]
    file: String,
    #[pyo3(get)]
    offset: u64,
    #[pyo3(get)]
    number: u64,
    #[pyo3(get)]
    what: String,
}

#[pymethods]
impl TapeCorrupt {
    #[new]
    fn new(file: String, offset: u64, number: u64, what: String) -> Self {
        TapeCorrupt {
            file,
            offset,
            number,
            what,
        }
    }

    fn __str__(&self) -> String {
        let TapeCorrupt {
            file,
            offset,
            number,
            what,
        } = self;
        format!("{file}: corrupt at offset {offset}, record {number}: {what}")
    }
}

/// The numbers of `Kind`, for Python to name.
#[pyclass(module = "kitev3._core", frozen)]
struct TapeKind;

#[pymethods]
impl TapeKind {
    #[classattr]
    const EPOCH: u8 = Kind::Epoch as u8;
    #[classattr]
    const IN: u8 = Kind::In as u8;
    #[classattr]
    const IN_REF: u8 = Kind::InRef as u8;
    #[classattr]
    const EXT: u8 = Kind::Ext as u8;
    #[classattr]
    const OUT: u8 = Kind::Out as u8;
    #[classattr]
    const OUT_REF: u8 = Kind::OutRef as u8;
    #[classattr]
    const SNAPSHOT: u8 = Kind::Snapshot as u8;
}

pub(crate) fn to_py(error: TapeError) -> PyErr {
    let text = error.to_string();
    match error {
        TapeError::Corrupt(corrupt) => {
            let file = corrupt.file.to_string_lossy().into_owned();
            PyErr::new::<TapeCorrupt, _>((file, corrupt.offset, corrupt.number, corrupt.what))
        }
        // With the number that the system gave, so that Python makes the right subclass of OSError of it.
        TapeError::Io { file, source } => match source.raw_os_error() {
            Some(errno) => {
                let text = source.to_string();
                let said = text.split(" (os error").next().unwrap_or(&text).to_owned();
                PyOSError::new_err((errno, said, file))
            }
            None => PyOSError::new_err(text),
        },
        TapeError::SyncFailed(_) => PyOSError::new_err(text),
        TapeError::Busy(_) => PyBlockingIOError::new_err(text),
        TapeError::TooLong { .. } | TapeError::BadDay(_) | TapeError::BadSegmentBytes(_) => {
            PyValueError::new_err(text)
        }
    }
}

fn broken_to_py(broken: ChainBroken) -> PyErr {
    match broken {
        ChainBroken::Tape(error) => to_py(error),
        altered => TapeAltered::new_err(altered.to_string()),
    }
}

fn closed() -> PyErr {
    PyValueError::new_err("the tape is closed")
}

type Place = (u32, u32, u64);

fn place(position: Position) -> Place {
    (position.segment, position.offset, position.number)
}

#[pyclass(module = "kitev3._core")]
struct TapeWriter {
    writer: Option<Writer>,
    #[pyo3(get)]
    recovered: u64,
    #[pyo3(get)]
    dropped_bytes: u64,
}

#[pymethods]
impl TapeWriter {
    #[new]
    #[pyo3(signature = (directory, date, *, segment_bytes = 16777216, spare_segments = 1, sync_every_ms = 1000))]
    fn new(
        py: Python<'_>,
        directory: PathBuf,
        date: &str,
        segment_bytes: usize,
        spare_segments: usize,
        sync_every_ms: u64,
    ) -> PyResult<Self> {
        let day: Day = date.parse().map_err(to_py)?;
        let options = Options {
            segment_bytes,
            spare_segments,
            sync_every: Duration::from_millis(sync_every_ms),
        };
        let (writer, recovered) = py
            .detach(|| Writer::open(&directory, day, &options))
            .map_err(to_py)?;
        Ok(TapeWriter {
            writer: Some(writer),
            recovered: recovered.position.number,
            dropped_bytes: recovered.dropped_bytes,
        })
    }

    fn append(&mut self, kind: u8, mono_ns: i64, content: &[u8]) -> PyResult<u64> {
        let writer = self.writer.as_mut().ok_or_else(closed)?;
        let kind = Kind::from_u8(kind)
            .ok_or_else(|| PyValueError::new_err(format!("{kind} is not a kind of record")))?;
        Ok(writer
            .append(kind, mono_ns, &[content])
            .map_err(to_py)?
            .number)
    }

    /// The writer is borrowed only to get the handle, so that another thread may append meanwhile.
    fn sync(slf: &Bound<'_, Self>) -> PyResult<()> {
        let handle = slf
            .borrow()
            .writer
            .as_ref()
            .ok_or_else(closed)?
            .sync_handle();
        slf.py().detach(|| handle.sync()).map_err(to_py)
    }

    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.writer.take() {
            Some(writer) => py.detach(|| writer.close()).map_err(to_py),
            None => Ok(()),
        }
    }

    #[getter]
    fn position(&self) -> PyResult<Place> {
        Ok(place(self.writer.as_ref().ok_or_else(closed)?.position()))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&mut self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        let _ = exception; // the tape is closed in order either way
        self.close(py)
    }
}

type PyRecord<'py> = (u64, u8, i64, Bound<'py, PyBytes>);

#[pyclass(module = "kitev3._core")]
struct TapeReader {
    days: Days,
}

#[pymethods]
impl TapeReader {
    #[new]
    #[pyo3(signature = (directory, date = None, *, position = None))]
    fn new(directory: PathBuf, date: Option<&str>, position: Option<Place>) -> PyResult<Self> {
        let day = date.map(str::parse::<Day>).transpose().map_err(to_py)?;
        let days = match (day, position) {
            (None, None) => Days::open(&directory),
            (Some(day), None) => Days::open_from(&directory, day),
            (Some(day), Some((segment, offset, number))) => Days::open_at(
                &directory,
                day,
                Position {
                    segment,
                    offset,
                    number,
                },
            )
            .map_err(to_py)?,
            (None, Some(_)) => return Err(PyValueError::new_err("a position needs its date")),
        };
        Ok(TapeReader { days })
    }

    fn poll<'py>(&mut self, py: Python<'py>) -> PyResult<Option<PyRecord<'py>>> {
        let record = self.days.read().map_err(to_py)?;
        Ok(record.map(|(_, record)| {
            (
                record.position.number,
                record.kind as u8,
                record.mono_ns,
                PyBytes::new(py, record.content),
            )
        }))
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<PyRecord<'py>>> {
        self.poll(py)
    }

    #[getter]
    fn date(&self) -> Option<String> {
        self.days.position().map(|(day, _)| day.to_string())
    }

    #[getter]
    fn position(&self) -> Option<Place> {
        self.days.position().map(|(_, position)| place(position))
    }
}

type PyAnchor<'py> = (u64, u32, Bound<'py, PyBytes>);

fn anchor_to_py<'py>(py: Python<'py>, anchor: &Anchor) -> PyAnchor<'py> {
    (
        anchor.blocks,
        anchor.tail_bytes,
        PyBytes::new(py, &anchor.hash),
    )
}

#[pyclass(module = "kitev3._core")]
struct TapeChain {
    chain: Chain,
}

#[pymethods]
impl TapeChain {
    #[new]
    fn new(tape_dir: PathBuf, date: &str, side_dir: PathBuf) -> PyResult<Self> {
        let day = date.parse().map_err(to_py)?;
        Ok(TapeChain {
            chain: Chain::open(&tape_dir, day, &side_dir).map_err(broken_to_py)?,
        })
    }

    fn advance<'py>(&mut self, py: Python<'py>) -> PyResult<PyAnchor<'py>> {
        let anchor = py.detach(|| self.chain.advance()).map_err(broken_to_py)?;
        Ok(anchor_to_py(py, &anchor))
    }

    fn seal<'py>(&mut self, py: Python<'py>) -> PyResult<PyAnchor<'py>> {
        let anchor = py.detach(|| self.chain.seal()).map_err(broken_to_py)?;
        Ok(anchor_to_py(py, &anchor))
    }

    #[pyo3(signature = (anchor = None))]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        anchor: Option<(u64, u32, [u8; 32])>,
    ) -> PyResult<PyAnchor<'py>> {
        let anchor = anchor.map(|(blocks, tail_bytes, hash)| Anchor {
            blocks,
            tail_bytes,
            hash,
        });
        let head = py
            .detach(|| self.chain.verify(anchor.as_ref()))
            .map_err(broken_to_py)?;
        Ok(anchor_to_py(py, &head))
    }
}
