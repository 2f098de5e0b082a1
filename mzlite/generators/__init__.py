"""Load generators: sources that make their own rows. Imports nothing of mzlite but errors and statements."""
