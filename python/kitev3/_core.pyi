"""The Rust core in words. stubtest keeps it true."""

def build() -> str:
    """The core's version."""
