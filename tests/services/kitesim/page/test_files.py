"""What a browser loads is all there, of a type that it knows, and asks for nothing elsewhere."""

from __future__ import annotations

import re

from kitev3.services.kitesim.page.files import FOLDER, TYPES, files


def test_all_that_lies_there_is_served_under_its_name() -> None:
    served = files()

    assert {name: content for name, (content, _) in served.items()} == {
        path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in TYPES
    }
    assert all(kind == TYPES[name[name.rindex(".") :]] for name, (_, kind) in served.items())


def test_the_page_loads_what_is_served_and_nothing_from_elsewhere() -> None:
    served = files()
    page = served["index.html"][0].decode()

    wanted = re.findall(r'(?:src|href)="([^"#]+)"', page)

    assert wanted
    assert {name for name in wanted if not name.startswith("data:")} <= served.keys()
    assert not any(b"http://" in content.replace(b"http://www.w3.org/", b"") for content, _ in served.values())
