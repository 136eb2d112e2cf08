"""A plug-in for seewhy: a detector and a report format."""
