"""Light curves: the value, its readers by content, its segments."""
