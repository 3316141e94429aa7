"""The HTTP edge: a route opens a transaction, admits the caller, acts through one verb, and shows."""
