"""The way from an empty database to today's tables, one file per step; a step suits the release before it."""
