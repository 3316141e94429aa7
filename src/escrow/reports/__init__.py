"""What people read: the overlap matrix, what of it may be told, and its renderings. Pure values and rules."""
