"""Methods as pure functions: what is reckoned from prices, free of where they are kept."""
