"""A runtime for a service: its spec, the contracts and a folder of tapes made into ``_core.Runtime``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from kitev3._core import BarBatch, Runtime, TickBatch
from kitev3.bus.topology import links
from kitev3.bus.transport import Ask
from kitev3.contracts import BY_TOPIC, Contract
from kitev3.runtime.handler import AnyHandler, Handler
from kitev3.runtime.service import Context, ServiceSpec
from kitev3.schemas import older

ENCODE = msgspec.msgpack.Encoder().encode
SEGMENT_BYTES = 16 << 20


def readable(payload: Any) -> Any:
    """*payload* with each character that UTF-8 cannot write replaced by a question mark."""

    def mended(value: Any) -> Any:
        match value:
            case str():
                return value.encode(errors="replace").decode()
            case list() | tuple():
                return [mended(one) for one in value]
            case dict():
                return {mended(key): mended(one) for key, one in value.items()}
            case _:
                return value

    return msgspec.convert(mended(msgspec.to_builtins(payload, builtin_types=(bytes,))), type(payload))


def decoder(payload: type[Any]) -> Callable[[bytes], Any]:
    """Bytes to a payload; missing last fields are read as their defaults."""
    return payload.from_bytes if payload in (TickBatch, BarBatch) else msgspec.msgpack.Decoder(payload).decode


def open_runtime(
    spec: ServiceSpec,
    context: Context,
    handler: AnyHandler,
    *,
    name: str = "",
    about: Mapping[str, Any],
    driven: Collection[str] = (),
    offers_work: bool = True,
    ask: Ask | None = None,
    segment_bytes: int = SEGMENT_BYTES,
) -> Runtime:
    """Opens the tape of *name* (the service's, unless it is a shard) and hangs *handler* on it.

    Args:
        about: build, schemas and settings, for the EPOCH record; when they change nothing is executed again.
        driven: topics of which the caller wants the event back when they are said.
        offers_work: whether the transport gives working hearers a queue of their own.
        ask: how what is missing of a source is fetched, unless its tape lies beside ours.

    Raises:
        BlockingIOError: another instance has the tape. TapeCorrupt: the tape is not what was written.
    """

    def schemas(contract: Contract) -> list[tuple[int, Callable[[bytes], Any]]]:
        decode = decoder(contract.payload)
        return [(schema, decode) for schema in (contract.schema, *older(contract.topic))]

    heard = [BY_TOPIC[topic] for topic in spec.hears]
    said = [BY_TOPIC[topic] for topic in spec.says]
    heard_links = links(spec.name, spec.hears, own=spec.hears_own, offers_work=offers_work)
    return Runtime(
        service=name or spec.name,
        account=context.account,
        mode=context.mode,
        day=context.session,
        start_ns=context.start_ns,
        tapes=context.run_dir / "tape",
        subscriptions=[
            (c.topic, c.payload, schemas(c), c.bulk, "day" if spec.complete else join_of(c), c.after or None)
            for c in heard
        ],
        publications=[
            (c.topic, c.payload, c.schema, decoder(c.payload), c.worker or None, c.topic in driven, c.after or None)
            for c in said
        ],
        sequence_modes=[(link.source, link.mode) for link in heard_links],
        handler=handler,
        encode=ENCODE,
        about=msgspec.json.encode(dict(about), order="deterministic"),
        methods=dict(handler.topics) if isinstance(handler, Handler) else {},
        core=dict(handler.native) if isinstance(handler, Handler) else None,
        ask=ask,
        segment_bytes=segment_bytes,
    )


def join_of(contract: Contract) -> str:
    """How a late hearer joins, with the place of the field that is the key."""
    kind, _, field = contract.join.partition(":")
    if not field or field == "source" or contract.bulk:
        return kind
    return f"{kind}:{contract.payload.__struct_fields__.index(field)}"
