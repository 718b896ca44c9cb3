"""How the weights of ``mini-zh`` were made: texts, characters, the first embeddings, training, measuring."""
