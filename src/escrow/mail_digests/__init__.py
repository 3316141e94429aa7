"""Mail digests: what an organization was told, summed up by mail for a person, daily or weekly.

`digests` are what callers decide, `outgoing` is the queue, `composing` reads what may be told by the terms of now,
`letters` writes it, `sending` hands it to the operator's mail server, and `postman` does all that in a worker.
"""
