"""What both daemons show: the HTTP server with its guards. Sign-in, event stream and pages follow."""
