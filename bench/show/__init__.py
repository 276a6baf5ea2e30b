"""Results for people: words, a terminal's table, Markdown, charts and a page of them."""
