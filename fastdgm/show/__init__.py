"""What a person looks at: tables and graphs as text, HTML and SVG, plots."""
