"""What happened, in columns: every event as a row of its topic's Parquet files, and SQL over them."""

import os

# Arrow's own pools keep what they once had for as long as a process lives; the system's gives it back. Arrow reads this
# when it is imported, so it is said here, before any of our modules does that.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
