"""The only gate, and the account's positions.

Hears ``strategy.signal``, ``marketdata.*``, ``execution.*``, ``control.*``; says ``risk.approved``, ``risk.blocked``
and ``portfolio.snapshot``.
"""
