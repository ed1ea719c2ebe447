"""The outside world: each source fetches typed records and imports neither Prefect nor the lake."""
