"""What people would use instead: each stack does the same work over the same topics."""
