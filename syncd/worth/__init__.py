"""What the segments in use are worth: share of revenue, overlap, lift."""
