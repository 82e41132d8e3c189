"""The web page: templates and static files."""
