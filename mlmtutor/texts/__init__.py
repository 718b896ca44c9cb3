"""From reviews and your own files to chunks: loading, splitting, words, keywords, equal chunks."""
