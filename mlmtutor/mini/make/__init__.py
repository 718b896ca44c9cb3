"""How the weights of the mini model were made and measured, and the table of Brown words: not part of the wheel.

python -m mlmtutor.mini.make.train         corpora -> batches -> weights.safetensors
python -m mlmtutor.mini.make.measure       the numbers of its card
python -m mlmtutor.mini.make.brown_words   data/brown_words.json
"""
