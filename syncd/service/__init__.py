"""What the daemon is made of: its clock, its threads, its signals, whose turn it is."""
