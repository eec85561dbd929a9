"""Nothing but algorithms, one file each; `metalearn.registry` finds them by itself."""
