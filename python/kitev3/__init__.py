"""kitev3: an event-driven trading system for Zerodha Kite."""
