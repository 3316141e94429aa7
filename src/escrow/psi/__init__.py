"""Private set intersection, pure: no I/O, no clock, no randomness of its own."""
