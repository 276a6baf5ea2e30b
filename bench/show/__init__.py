"""Output of results: as a table in the terminal, in Markdown, as charts, and as a page."""
