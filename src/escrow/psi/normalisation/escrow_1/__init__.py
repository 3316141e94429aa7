"""The rules of profile `escrow-1`, registrable domain and core name; frozen, for lists were made with exactly these."""
