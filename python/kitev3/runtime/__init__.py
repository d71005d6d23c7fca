"""The runtime: a handler hung up, with what it hears and says, its tape, its clock and its process."""
