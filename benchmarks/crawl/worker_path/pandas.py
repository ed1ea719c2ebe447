"""Found before the real one: the environment of a worker has no pandas, that of the benchmarks has.

pyarrow loads it, where it is, to make its first array: 0.25 CPU seconds and 40 MB for each client that writes Parquet,
none of which uses it.
"""

message = "a worker has no pandas"
raise ImportError(message)
