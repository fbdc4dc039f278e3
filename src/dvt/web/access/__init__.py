"""Who may use the page and the API: tokens, browser sessions, roles, and limits."""
