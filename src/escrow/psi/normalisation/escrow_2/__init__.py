"""The rules of profile `escrow-2`: several domain keys an account, and names in more of the forms people type."""
