"""Models whose conditionals a torch module gives: checks, picking states, training."""
