"""The bridge: takes ids off the queue, runs `metalearn`, writes `marketplace` rows and files."""
