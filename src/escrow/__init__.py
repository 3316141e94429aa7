"""Privacy-preserving account mapping: two companies learn what their CRM lists have in common, and nothing else."""

#: The version of everything here; the package, both programs, the service and its contract say this one.
__version__ = "0.1.0"
