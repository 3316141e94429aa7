"""Holding others to the protocol: a program that claims to compute it, and a service that claims to serve it."""
