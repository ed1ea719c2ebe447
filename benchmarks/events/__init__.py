"""Loading event files: ours against a plain pandas script."""
