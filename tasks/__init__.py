"""One step each, under Prefect: retries, timeouts, run names and artifacts around gondola and storage."""
