"""Hosts strategies.

Hears ``marketdata.instrument``, ``.tick``, ``.ohlc``, ``.gap``, ``risk.blocked``, ``execution.fill`` and ``.reject``;
says ``strategy.signal``.
"""
