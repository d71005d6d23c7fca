"""What a loaded exchange is measured with: its process with many accounts, callers, readers, and what they must see."""
