"""The house stands: one wheel, a library that knows no service, no file that needs itself, a stub that is true."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
LIBRARY = HOUSE / "python" / "kitev3"
SERVICES = sorted(p.parent.name for p in (HOUSE / "services").glob("*/__init__.py"))
NAMES_OF_NOTHING = {"utils", "util", "common", "core", "manager", "helpers", "misc"}


def library_files() -> Iterator[Path]:
    return (p for p in LIBRARY.rglob("*.py") if "services" not in p.relative_to(LIBRARY).parts)


def module_of(path: Path, root: Path) -> str:
    parts = ("kitev3", *path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def house_files() -> dict[str, Path]:
    """Module -> file, of the library and of the services behind its link."""
    files = {module_of(path, LIBRARY): path for path in library_files()}
    return files | {module_of(path, HOUSE): path for path in (HOUSE / "services").rglob("*.py")}


def imports(tree: ast.AST, module: str, files: Mapping[str, Path]) -> set[str]:
    """The files that a file needs, whether it asks for them when it is loaded or inside a function; not for types."""
    found: set[str] = set()
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(names & files.keys() or {node.module or ""})
        else:
            pending.extend(ast.iter_child_nodes(node))
    return (found & files.keys()) - {module}


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The files of a circle, each needing the one before it; none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_library_imports_no_service() -> None:
    guilty = {
        str(path.relative_to(HOUSE)): name
        for path in library_files()
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names] if isinstance(node, ast.Import) else []
        )
        if name.startswith("kitev3.services")
    }  # fmt: skip

    assert guilty == {}


def test_no_file_needs_itself() -> None:
    files = house_files()

    graph = {module: imports(ast.parse(path.read_text()), module, files) for module, path in files.items()}

    assert circle(graph) == []
    assert any(module.startswith("kitev3.services.") for module in graph)
    assert (LIBRARY / "services").resolve() == HOUSE / "services"


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("from kitev3.b import name", {"kitev3.b"}),
        ("from kitev3 import b", {"kitev3.b"}),
        ("import kitev3.b", {"kitev3.b"}),
        ("def later():\n    from kitev3.services.c.d import name", {"kitev3.services.c.d"}),
        ("class Late:\n    def load(self):\n        from kitev3.services.c import d", {"kitev3.services.c.d"}),
        (
            "if TYPE_CHECKING:\n    from kitev3.b import name\nelse:\n    import kitev3.services.c.d",
            {"kitev3.services.c.d"},
        ),
        ("from kitev3.a import itself\nimport json", set()),
    ],
)
def test_an_import_is_seen_wherever_it_stands(text: str, needs: set[str]) -> None:
    files = dict.fromkeys(("kitev3.a", "kitev3.b", "kitev3.services.c.d"), Path())

    assert imports(ast.parse(text), "kitev3.a", files) == needs


def test_a_circle_is_found() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []


def test_the_library_names_no_service() -> None:
    """What differs from service to service stands in its spec; the contracts alone say who speaks and hears."""
    words = set(SERVICES) - {"kitesim", "journal"}  # also a broker's name, also a folder of the run
    guilty = {
        f"{path.relative_to(HOUSE)}:{node.lineno}": node.value
        for path in library_files()
        if path.name != "contracts.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in words
    }

    assert guilty == {}


def test_no_file_is_named_after_nothing() -> None:
    paths = [*library_files(), *(HOUSE / "services").rglob("*.py"), *(HOUSE / "rust").rglob("src/**/*.rs")]

    assert [str(p) for p in paths if p.stem in NAMES_OF_NOTHING] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_folder_has_the_three_files_and_says_what_it_hears(name: str) -> None:
    folder = HOUSE / "services" / name
    main = (folder / "__main__.py").read_text().splitlines()

    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert [line for line in main if line] == ["from kitev3.runtime.process import main", f'main(["{name}"])']
    assert (folder / "service.py").is_file()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, unpacked as an installer would."""
    built = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "maturin", "build", "--release", "--quiet", "--interpreter", sys.executable]
    subprocess.run([*command, "--out", str(built)], cwd=HOUSE, check=True, capture_output=True)
    unpacked = built / "site"
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        archive.extractall(unpacked)
    return unpacked


@pytest.mark.timeout(1800)  # the build, on a slow machine
@pytest.mark.parametrize("name", SERVICES)
def test_every_service_starts_from_the_built_wheel(wheel: Path, name: str, tmp_path: Path) -> None:
    code = f"import kitev3; from kitev3.services.{name}.service import SERVICE; print(SERVICE.name, kitev3.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(wheel)}

    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path)
    help_ = subprocess.run(
        [sys.executable, "-m", f"kitev3.services.{name}", "--help"],
        env=environment,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert said.stdout.split() == [name, str(wheel / "kitev3" / "__init__.py")], said.stderr
    assert help_.returncode == 0, help_.stderr
    assert "--run-dir" in help_.stdout


def test_the_stub_says_what_the_core_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "kitev3._core"], cwd=HOUSE, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout
