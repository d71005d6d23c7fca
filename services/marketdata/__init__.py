"""Listens to the broker's market.

Hears the Kite WebSocket, GET /instruments, GET /quote and ``control.*``; says ``marketdata.tick``, ``.ohlc``,
``.instrument``, ``.quote``, ``.health``, ``.gap`` and ``.order_frame``.
"""
