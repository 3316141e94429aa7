"""Tables, transactions, sealed columns and blocks; the only place that knows two databases."""
