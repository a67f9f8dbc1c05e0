"""The branch's own page. Nothing here yet; `showing` says what it may show."""
