"""What everything stands on: threads, pieces of rows, memory, seeds, files, text. Knows no model and no kernel."""
