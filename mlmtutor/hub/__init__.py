"""Where models, tokenizers and data sets come from, and where a model goes to."""
