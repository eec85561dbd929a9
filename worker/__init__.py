"""The bridge: takes ids off the queue, runs `metalearn`, writes rows and files of `marketplace`."""
