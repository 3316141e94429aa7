"""Privacy-preserving account mapping: two companies learn what their CRM lists have in common, and nothing else."""
