"""What organizations are told: events, in a feed of each, and the guarded way out to the endpoints that they name."""
