"""Hosts strategies.

Hears ``marketdata.instrument``, ``.tick``, ``.ohlc``, ``.gap`` and ``execution.*``; says ``strategy.signal``.
"""
