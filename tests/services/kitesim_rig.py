"""kitesim as its users start it, and the official ticker in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import Message
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import requests
from kiteconnect import KiteConnect
from kiteconnect.exceptions import NetworkException
from waiting import S_MAX, until
from websockets.sync.client import ClientConnection

API_KEY, API_SECRET, TOKEN = "kitesim", "secret", "T0ken"
FORM = "application/x-www-form-urlencoded"
Answer = TypeVar("Answer")
TICKER = Path(__file__).with_name("official_ticker.py")
JS = Path(__file__).parents[1] / "js"


class Kitesim:
    """A running exchange."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address
        self._cookie = ""
        self._passed: list[str] = []  # lines that somebody else may wait for

    @property
    def root(self) -> str:
        return f"http://{self.address}"

    def line(self, word: str) -> str:
        """The next line of what it prints that begins with that word, without it."""
        for line in self._passed:
            if line.startswith(f"  {word} "):
                self._passed.remove(line)
                return line[len(word) + 2 :].strip()
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(f"  {word} "):
                return line[len(word) + 2 :].strip()
            self._passed.append(line)
        raise AssertionError(f"it has printed no {word}")

    @property
    def cookie(self) -> str:
        """That of a browser which has opened the page's link."""
        if not self._cookie:
            answer = requests.get(self.line("page"), allow_redirects=False, timeout=S_MAX)
            self._cookie = answer.headers["set-cookie"].split(";")[0]
        return self._cookie

    @property
    def feed(self) -> str:
        return f"ws://{self.address}/?api_key={API_KEY}&access_token={TOKEN}"

    def client(self, token: str | None = TOKEN) -> KiteConnect:
        """The official client, unmodified."""
        client = KiteConnect(api_key=API_KEY, access_token=token, root=self.root)
        client.reqsession.trust_env = False
        return client

    def request_token(self) -> str:
        """What the login page hands to the application."""
        page = requests.get(f"{self.root}/connect/login?api_key={API_KEY}&v=3", allow_redirects=False, timeout=S_MAX)
        (token,) = parse_qs(urlsplit(page.headers["location"]).query)["request_token"]
        return token


class Asker:
    """Asks as it is told to, over a connection of its own."""

    def __init__(self, running: Kitesim) -> None:
        self.running, self.token = running, TOKEN

    def __call__(
        self, method: str, path: str, body: str | bytes = "", kind: str = FORM, **headers: str
    ) -> tuple[int, Message, bytes]:
        """Status, headers and content."""
        connection = http.client.HTTPConnection(self.running.address, timeout=S_MAX)
        own = {"Authorization": f"token {API_KEY}:{self.token}", "Content-Type": kind}
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, own | headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def data(self, path: str) -> Any:
        """What a GET is answered with."""
        return json.loads(self("GET", path)[2])["data"]


def again(ask: Callable[..., Answer], *arguments: Any, **more: Any) -> Answer:
    """Asks until the window of its kind has room: a 429 says that nothing was accepted, so a program asks again."""

    def asked() -> list[Answer]:
        try:
            return [ask(*arguments, **more)]
        except NetworkException as refused:
            if refused.code != 429:
                raise
            return []

    return until(asked)[0]


@contextmanager
def kitesim(*options: str, stderr: IO[str] | None = None) -> Iterator[Kitesim]:
    """A process on a free port, with the small universe on a plain day unless told otherwise; dead at the end."""
    command = [sys.executable, "-m", "kitev3.services.kitesim", "--listen", "127.0.0.1:0", "--api-key", API_KEY]
    command += ["--api-secret", API_SECRET, "--access-token", TOKEN, "--clock", "2026-11-19T09:20"]
    command += ["--universe", "house", "--hours", "plain", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment()) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first.startswith("kitesim listens on "), first
            yield Kitesim(process, first.split()[-1])
        finally:
            process.terminate()
            try:
                process.wait(S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def environment() -> dict[str, str]:
    """Ours without what would put the process into a house."""
    return {name: text for name, text in os.environ.items() if not name.startswith("KITEV3_")}


class Ticker:
    """An official ticker, unmodified, in a child process: its callbacks as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.calls: queue.Queue[dict[str, Any]] = queue.Queue()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.calls.put(json.loads(line))

    def wait(self, call: str, seconds_max: float = S_MAX) -> dict[str, Any]:
        """The next call of that name; those before it are passed over."""
        while True:
            said = self.calls.get(timeout=seconds_max)
            if said["call"] == call:
                return said

    def until(self, mode: str, tokens: set[int]) -> dict[int, dict[str, Any]]:
        """The first ticks from now on of all these instruments in this mode."""
        seen: dict[int, dict[str, Any]] = {}
        while seen.keys() < tokens:
            fresh = (tick for tick in self.wait("ticks")["ticks"] if tick["mode"] == mode)
            seen = {tick["instrument_token"]: tick for tick in fresh if tick["instrument_token"] in tokens} | seen
        return seen


def js_is_here() -> bool:
    """Whether the official JavaScript client can run."""
    return shutil.which("node") is not None and (JS / "node_modules" / "kiteconnect").is_dir()


def ticker(address: str, modes: dict[str, list[int]], token: str = TOKEN) -> AbstractContextManager[Ticker]:
    """The official Python ticker, which subscribes to these tokens in these modes once it is connected."""
    return _ticker([sys.executable, str(TICKER), f"ws://{address}", API_KEY, token, json.dumps(modes)])


def js_ticker(address: str, modes: dict[str, list[int]], token: str = TOKEN) -> AbstractContextManager[Ticker]:
    """The official JavaScript ticker, alike."""
    given = {"feed": f"ws://{address}/", "api_key": API_KEY, "access_token": token, "modes": modes}
    return _ticker(["node", str(JS / "ticker.js"), json.dumps(given)])


@contextmanager
def _ticker(command: list[str]) -> Iterator[Ticker]:
    where = environment() | {"TZ": "Asia/Kolkata"}  # a client shows times in the zone of its machine
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=where) as process:
        official = Ticker(process)
        try:
            yield official
        finally:
            process.kill()
            official.thread.join(S_MAX)


def ticks(reader: ClientConnection) -> bytes:
    """The next frame of ticks: a heartbeat may come before it at any time."""
    while True:
        message = reader.recv(timeout=S_MAX)
        if isinstance(message, bytes) and len(message) > 1:
            return message


def get(running: Kitesim, path: str, **headers: str) -> requests.Response:
    """Of the first account."""
    token = {"Authorization": f"token {API_KEY}:{TOKEN}"}
    return requests.get(running.root + path, headers=token | headers, timeout=S_MAX)
