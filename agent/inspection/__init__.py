"""One photo to one record: regions, facts, words, rulings."""
