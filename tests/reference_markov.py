"""NumPy oracle of Markov chains: dictionaries of counts, one symbol at a time; imports nothing of ours."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

START = "start"


class Chain:
    """p(symbol | history) of sequences of codes 0 .. n_states - 1; ragged ones end with the symbol n_states."""

    def __init__(self, sequences, n_states, order, *, ragged=True, position_dependent=False, smoothing, alpha=1.0):
        self.n_states, self.order, self.ragged = n_states, order, ragged
        self.position_dependent, self.smoothing, self.alpha = position_dependent, smoothing, alpha
        self.allows_empty = any(len(sequence) == 0 for sequence in sequences)
        self.complete = set()
        self.counts = defaultdict(lambda: defaultdict(int))
        for sequence in sequences:
            symbols = [*map(int, sequence), *([n_states] if ragged else [])]
            for position, symbol in enumerate(symbols):
                context = self.context(symbols[:position])
                self.complete.add(context)
                for shorter in self.suffixes(context):
                    self.counts[shorter][symbol] += 1
        self.used = self.counts if smoothing != "kneser-ney" else self.continuations()
        self.discounts = {}

    def context(self, history):
        """(position or None, last symbols): what the next symbol is conditioned on."""
        position = len(history)
        history = tuple(map(int, history[-self.order :]))
        if self.position_dependent:
            return position, history
        known = (START, *history) if len(history) < self.order else history
        return None, known[max(0, len(known) - self.order) :]

    def suffixes(self, context):
        position, symbols = context
        return [(position, symbols[i:]) for i in range(len(symbols) + 1)]

    def continuations(self):
        used = defaultdict(lambda: defaultdict(int))
        for context, own in self.counts.items():
            position, symbols = context
            if context in self.complete:
                used[context] = own
            if symbols:
                shorter = position, symbols[1:]
                for symbol in own:
                    if shorter not in self.complete:
                        used[shorter][symbol] += 1
        return used

    def discount(self, length):
        if length not in self.discounts:
            cells = [n for context, own in self.used.items() if len(context[1]) == length for n in own.values()]
            once, twice = cells.count(1), cells.count(2)
            self.discounts[length] = once / (once + 2 * twice) if once and twice else 0.5
        return self.discounts[length]

    def conditional(self, history):
        """Distribution of the next symbol, over n_states symbols and, if ragged, the end."""
        return self.smoothed(self.context(history))

    def uniform(self):
        return np.full(self.n_states + self.ragged, 1.0 / (self.n_states + self.ragged))

    def without_end(self, p):
        p = p.copy()
        p[-1] = 0.0
        return p / p.sum()

    def smoothed(self, context):
        position, symbols = context
        own = self.used.get(context, {})
        numbers = np.array([own.get(k, 0) for k in range(self.n_states + self.ragged)], float)
        at_start = self.ragged and symbols == (START,) and not self.allows_empty
        if self.smoothing == "add-alpha":
            p = np.full(len(numbers), self.alpha)
            if at_start:
                p[-1] = 0.0
            if (p + numbers).sum() == 0:
                return self.uniform()
            return (p + numbers) / (p + numbers).sum()
        lower = self.smoothed((position, symbols[1:])) if symbols else self.uniform()
        if at_start:
            lower = self.without_end(lower)
        total, kinds = numbers.sum(), (numbers > 0).sum()
        if total == 0:
            return lower
        if self.smoothing == "witten-bell":
            return (numbers + kinds * lower) / (total + kinds)
        discount = self.discount(len(symbols))
        return (np.maximum(numbers - discount, 0) + discount * kinds * lower) / total

    def terms(self, sequence):
        """log p of every symbol given those before it, the end included if ragged."""
        symbols = [*map(int, sequence), *([self.n_states] if self.ragged else [])]
        with np.errstate(divide="ignore"):
            return np.array([np.log(self.conditional(symbols[:i])[symbols[i]]) for i in range(len(symbols))])

    def log_prob(self, sequence):
        return self.terms(sequence).sum()


def truncated(p, temperature=1.0, top_k=None, top_p=None):
    """The distribution that a tempered or truncated draw comes from: the top_k, of them top_p; lower codes first."""
    with np.errstate(divide="ignore"):
        p = np.exp(np.log(p / p.max()) / temperature)
    p /= p.sum()
    order = sorted(range(len(p)), key=lambda k: (-p[k], k))
    keep = order[: top_k or len(p)]
    q = np.zeros_like(p)
    q[keep] = p[keep] / p[keep].sum()
    if top_p is not None and top_p < 1:
        mass, kept = 0.0, []
        for k in keep:
            if mass >= top_p:
                break
            kept.append(k)
            mass += q[k]
        q[[k for k in range(len(q)) if k not in kept]] = 0.0
    return q / q.sum()
