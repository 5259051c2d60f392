"""Where rows come from: files, archives and hubs, read into the two table kinds of the schema."""
