"""Deliveries: the events of an organization's feed, for each endpoint that it named.

`endpoints` are what callers decide, `outbox` is the queue that is the log too, `rendering` makes a body of an event as
the terms allow now, and `dispatcher` posts.
"""
