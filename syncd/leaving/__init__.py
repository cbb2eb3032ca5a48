"""Who leaves whatever a segment says: the erased, the withdrawn, whole audiences."""
