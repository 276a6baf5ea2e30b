"""Results for people: formatting, a terminal's table, Markdown, charts and a page of them."""
