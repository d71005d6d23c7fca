"""One broker account on this machine: the right to act on it, its latch, arming it, the secrets that open it."""
