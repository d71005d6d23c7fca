"""The log of a process: one line of JSON for whatever is said in it, by whom it may be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SAYS = """
import logging, sys
from pathlib import Path
from kitev3.system.log import LOG, log_to

log_to(Path(sys.argv[1]) / "log" / "mine.jsonl", "mine")
LOG.info("begun", epoch=3, where=Path("/x"), words="a %s of [markup]")
LOG.warning("left out", count=2)
print("two", "words")
print("half \\ud800")
print("and\\na half", end="")
logging.getLogger("urllib3").warning("retry %d", 5)
logging.getLogger("urllib3").info("of no interest")
try:
    1 / 0
except ZeroDivisionError:
    logging.exception("it broke")
log_to(Path(sys.argv[1]) / "log" / "other.jsonl", "other")
LOG.critical("died", event_id="0198")
print("last words", file=sys.stderr)
"""


def test_whatever_is_said_is_one_line_with_its_service(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SAYS, str(tmp_path)], capture_output=True, text=True, check=True)

    lines = [json.loads(line) for line in (tmp_path / "log" / "mine.jsonl").read_text().splitlines()]
    assert all(line.pop("at").endswith("Z") and line.pop("service") == "mine" for line in lines)
    trace = lines[-1].pop("trace")
    assert lines == [
        {"event": "begun", "epoch": 3, "where": "/x", "words": "a %s of [markup]", "level": "info"},
        {"event": "left out", "count": 2, "level": "warning"},
        {"event": "printed", "text": "two words", "level": "info"},
        {"event": "printed", "text": "half ?", "level": "info"},
        {"event": "printed", "text": "and", "level": "info"},
        {"event": "retry 5", "logger": "urllib3", "level": "warning"},
        {"event": "it broke", "logger": "root", "level": "error"},
    ]
    assert "ZeroDivisionError" in trace
    other = [json.loads(line) for line in (tmp_path / "log" / "other.jsonl").read_text().splitlines()]
    assert [(line["event"], line["service"], line["event_id"]) for line in other] == [("died", "other", "0198")]
    assert (done.stdout, done.stderr) == ("", "last words\n")
