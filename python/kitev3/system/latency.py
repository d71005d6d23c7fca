"""A histogram of durations: whole numbers in buckets that are at most 1/128 wide of what they hold."""

from __future__ import annotations

from collections.abc import Mapping

_FRESH_MAX = 16  # what is sorted in at once must not make an order wait
_SUB_BITS = 7  # 128 buckets for each doubling


class Latency:
    """Counts durations in ns. Constant work and bounded memory, however many there are."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self._counts = dict(counts or {})
        self._fresh: list[int] = []

    def add(self, duration_ns: int) -> None:
        """Counts one; a negative duration counts as 0. On the order's way it is only noted, and sorted in later."""
        self._fresh.append(duration_ns)
        if len(self._fresh) >= _FRESH_MAX:
            self._sort_in()

    @property
    def n(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    @property
    def counts(self) -> Mapping[int, int]:
        """What a snapshot needs."""
        self._sort_in()
        return self._counts

    def _sort_in(self) -> None:
        for duration_ns in self._fresh:
            bucket = _bucket(max(duration_ns, 0))
            self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self._fresh.clear()

    def percentile_ns(self, per_mille: int) -> int:
        """The least upper bound of a bucket that *per_mille* of all durations do not exceed; 0 without any."""
        rest = -(-self.n * per_mille // 1000)  # at least one, rounded up
        counts = self.counts
        for bucket in sorted(counts):
            rest -= counts[bucket]
            if rest <= 0:
                return _top_ns(bucket)
        return 0

    def summary_us(self) -> dict[str, int]:
        """p50, p99 and p999 in µs, and how many there are."""
        return {
            "p50": round(self.percentile_ns(500) / 1000),
            "p99": round(self.percentile_ns(990) / 1000),
            "p999": round(self.percentile_ns(999) / 1000),
            "n": self.n,
        }


def _bucket(value: int) -> int:
    shift = max(value.bit_length() - _SUB_BITS - 1, 0)
    return (shift << _SUB_BITS) + (value >> shift)


def _top_ns(bucket: int) -> int:
    """The largest value that falls into *bucket*."""
    if bucket < 2 << _SUB_BITS:
        return bucket
    shift = (bucket >> _SUB_BITS) - 1
    mantissa = bucket - (shift << _SUB_BITS)
    return ((mantissa + 1) << shift) - 1
