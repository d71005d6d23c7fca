"""What an example of the core measures without Python."""

from __future__ import annotations

import json
import subprocess


def rows_of(example: str, *arguments: str) -> list[dict[str, object]]:
    """One row for each JSON object that it prints; its name is the row's ``what``."""
    command = ["cargo", "run", "--release", "-q", "-p", "kitev3-core", "--example", example, "--", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    rows: list[dict[str, object]] = []
    for line in done.stdout.splitlines():
        found = json.loads(line)
        rows.append({"what": found.pop("name"), **found})
    return rows
