"""Exact evidence in networks of tables: a tree of buckets, through which rows pass whatever is missing in each."""
