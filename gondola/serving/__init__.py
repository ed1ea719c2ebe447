"""What people see: answers from the published copy and the run records."""
