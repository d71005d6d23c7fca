"""What happened, in columns: every event as a row of its topic's Parquet files, and SQL over them."""
