"""The branch daemon. `app` puts it together; start reading there."""
