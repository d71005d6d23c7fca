"""kitesim's clock: what a stop stops, and what it does not."""

from kitev3._core import Exchange
from kitev3.runtime.clock import MarketClock
from kitev3.services.kitesim.stepper import Stepper

S = 1_000_000_000
START_NS = 1_795_060_200 * S


class Machine:
    """Machine time that moves when it is told to."""

    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def test_a_stop_stops_the_market_but_not_the_clock_of_reads() -> None:
    machine = Machine()
    exchange = Exchange(users=["KS0001"], market="synthetic", seed=1, start_ns=START_NS)
    stepper = Stepper(exchange, None, machine)  # type: ignore[arg-type]
    assert stepper.clock_ns() == stepper.now_ns() == START_NS
    machine.now_ns = 2 * S
    assert (stepper.clock_ns(), stepper.now_ns()) == (START_NS + 2 * S, START_NS)

    stepper.run(MarketClock(START_NS, 0, 30_000))
    machine.now_ns = S // 100
    assert stepper.clock_ns() == stepper.now_ns() == START_NS + 3 * S // 10
    stepper.stop()
    machine.now_ns = S

    assert (stepper.clock_ns(), stepper.now_ns()) == (START_NS + 30 * S, START_NS)
