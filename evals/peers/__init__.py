"""seewhy beside others. Not in the wheel."""
