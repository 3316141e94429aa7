"""The partner's side: keys, account names and details never leave it in the clear."""
