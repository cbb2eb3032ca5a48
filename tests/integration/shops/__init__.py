"""One small world of customers, and how each shop system would have stored it."""
