"""What is known about orders: the broker's rows, their merge, fills from trades, what an answer to a write proves."""
