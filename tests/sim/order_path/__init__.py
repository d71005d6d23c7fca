"""A model of the order path, written to be read: what may be promised over a broker without idempotency keys, tried
by seed.

One run is one day's worst quarter of an hour on a virtual clock: a strategy that sends signals, the gate with its tape,
execution with its tape, the bus between them that loses and doubles, a broker that lies like Kite, a host whose disk
and power fail,
and a person who trades by hand beside it. The seed decides which of the faults are on and how often; invariants are
looked at on the way and at the end.
The model imports nothing of the product: the product's order code is compared with it.

| file | idea |
|---|---|
| `records.py` | what stands on the tapes and travels over the bus |
| `schedule.py`, `machine.py` | virtual time; the host's boot, clocks, latch and epoch |
| `swarm.py` | which faults are on in a seed, and how often |
| `tape.py`, `bus.py` | the disk and its lies; numbers per source, holes, reading on from the source's tape |
| `process.py` | a process: append, handle, append, send; death at any named step; recovery by re-execution |
| `strategy.py`, `gate.py` | signals; verdicts and reservations |
| `leg.py`, `execution.py`, `adoption.py`, `supervision.py` | the protocol, pure: orders, what the book says, exits
and stops |
| `fold.py` | what a new build takes over |
| `egress.py`, `rest.py` | the last checks before the first byte; the thread that talks to the broker |
| `wire.py`, `broker.py`, `triggers.py` | the way there and back, the broker, its GTTs |
| `invariants.py` | what must never be, and what must be once all is quiet |
| `guards.py` | every guard by name, and the mutants that are without one |
| `story.py` | what is said, in words |
| `world.py`, `__main__.py` | one run; many runs |
"""
