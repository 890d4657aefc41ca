"""The proof: what the program promises, tried against everything that we can break.

`python -m proof chaos --seed 7` runs one storm; `python -m proof all` runs twenty.
"""
