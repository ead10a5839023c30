"""One file per library: the three operations in its own native format, prebuilt outside the clock."""
