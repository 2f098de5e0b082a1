"""From relational operators to delta rules, and the loop that runs them."""
