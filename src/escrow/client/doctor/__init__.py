"""`escrow doctor`: whether this machine can do its part, check by check, each with a reason and what to do.

Checks look and change nothing. None of them tells a secret: neither a key, a passphrase nor an account.
"""
