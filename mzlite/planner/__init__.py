"""From the text of a view's definition to relational operators."""
