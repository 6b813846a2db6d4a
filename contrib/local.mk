# Units, completions and packaging go here.
