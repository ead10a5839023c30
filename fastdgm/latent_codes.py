"""Latent variables without a closed form: guides that propose their values, codes of rows, rows of codes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .conditionals.base import Conditional
from .data.cuda_arrays import is_on_card
from .data.placement import Placement
from .graph import topological_order
from .inference.cuda_refusals import not_on_card
from .information import Information
from .runtime.seeds import at_least_one, key_from_seed
from .runtime.text import preview


class LatentCodes(Information):
    """A network that may have a guide: q(z | what is observed) for latent real variables z."""

    def guided(self, guide: Mapping[str, Conditional]) -> Self:
        """The same network with a guide attached; nothing is trained, and modules are shared.

        Parameters
        ----------
        guide : latent real variables and their conditionals given others, as ``Neural(["x"], encoder,
            family="normal", event_shape=(16,))`` for ``z``. Guides may have latent parents, without a cycle.

        Raises
        ------
        KeyError : no variable of that name. ValueError : a guide of a discrete variable (these are summed out), one of
            another shape, one that reads its own node, a cycle.
        """
        own = copy(self)
        own._guide = own._checked_guide(guide)
        return own

    def encode(
        self,
        data: Any,
        name: str | None = None,
        *,
        n_samples: int | None = None,
        seed: int | np.random.Generator | None = None,
    ) -> Any:
        """Latent codes of rows: the mean of the guide q(z | what is observed), or samples of it.

        A guide that reads another latent variable gets that one's mean, or sample by sample its samples. The code of a
        hidden discrete variable is :meth:`predict_proba`.

        Parameters
        ----------
        data : as for :meth:`log_prob`; what the guides read is there, what rows say of latent variables is not looked
            at. Where the guides read one observed variable, an array or tensor ``(n, *event_shape)`` of it.
        name : one latent variable.
        n_samples : draw so many of each row instead.
        seed : of the samples; sample k of row i has words of its own (class of reproducibility: torch's modules).

        Returns
        -------
        Array ``(n, *event_shape)``, or ``(n_samples, n, *event_shape)``, of the latent variable that is asked for or
        the only one that has a guide; else a dict of these by name. Torch tensors if ``data`` holds tensors.

        Raises
        ------
        TypeError : arrays of a GPU, which are copied to the CPU first.
        ValueError : no guide, a discrete variable, a value missing that a guide reads (which, in which row). KeyError :
            unknown names or labels.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({"z": fd.Normal(0, 1), "x": fd.LinearGaussian(["z"], 0, [1], std=1)})
        >>> net.guided({"z": fd.LinearGaussian(["x"], 0, [0.5], std=0.7)}).encode({"x": [2.0, -1.0]}).tolist()
        [1.0, -0.5]
        """
        from .data.partial import as_partial_rows
        from .inference.codes import encoded, encoded_samples

        _refuse_on_card("encode", data)
        names = self._with_guide(name)
        program = self._program
        read = {parent for own in self._guide.values() for parent in own.parents if parent not in self._guide}
        rows = as_partial_rows(self._named(_on_cpu(data), read, "encode"), program.schema)
        network = self._inference.network
        if n_samples is None:
            found = encoded(self._guide, rows, names)
        else:
            number, key = at_least_one(n_samples, "n_samples"), key_from_seed(seed)
            found = encoded_samples(network, self._guide, rows, names, number, key)
        return _one_or_all(found, name, data)

    def decode(self, latents: Any, name: str | None = None) -> Any:
        """Expected values of what latent variables generate: E[x | z] of every variable x whose parents are given.

        Parameters
        ----------
        latents : a mapping from variables, latent or not, to columns, as for :meth:`log_prob`: arrays
            ``(n, *event_shape)``, codes, labels, or tensors. Where one variable alone is needed, its array or tensor.
        name : one variable, all of whose parents are given.

        Returns
        -------
        Of real variables their means ``(n, *event_shape)``, of bernoulli ones P(x = 1) in that shape, of categorical
        ones and tables ``(n, *event_shape, n_states)`` probabilities: of the variable that is asked for or the only one
        whose parents are given; else a dict of these by name. Torch tensors if ``latents`` are tensors.

        Raises
        ------
        TypeError : arrays of a GPU, which are copied to the CPU first.
        ValueError : a parent without values (which, in which row), another shape, a kind of conditional whose expected
            value is not known. KeyError : unknown names or labels.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({"z": fd.Normal(0, 1), "x": fd.LinearGaussian(["z"], 1, [2], std=1)})
        >>> net.decode([0.0, 1.5]).tolist()
        [1.0, 4.0]
        """
        from .data.partial import as_partial_rows
        from .inference.codes import decoded, given_variables

        _refuse_on_card("decode", latents)
        if name is not None:
            self._check_name(name)
        program = self._program
        needed = {parent for own, parents in self._parents.items() if name in (None, own) for parent in parents}
        rows = as_partial_rows(self._named(_on_cpu(latents), needed, "decode"), program.schema)
        given = given_variables(rows)
        if name in given:
            raise ValueError(f"decode gives expected values of variables that have none, {name!r} is given")
        names = [name] if name is not None else self._children(given)
        found = decoded(self._inference.network, rows, names)
        return _one_or_all(found, name, latents)

    def _with_guide(self, name: str | None) -> list[str]:
        """The latent variables that are asked for."""
        if name is None:
            names = list(self._guide)
        else:
            self._check_name(name)
            names = [name]
        if name in self._states:
            raise ValueError(f"{name!r} is discrete: its code is predict_proba(data, {name!r})")
        missing = [own for own in names if own not in self._guide]
        if missing or not names:
            what = f"{missing[0]!r} has no guide" if missing else "no latent variable has a guide"
            example = missing[0] if missing else "z"
            raise ValueError(
                f"{what}: attach one by net.guided({{{example!r}: fd.Neural([...], encoder, family='normal')}}) or "
                "fit it by fit(data, guide=...)"
            )
        return names

    def _named(self, data: Any, needed: Collection[str], verb: str) -> Any:
        """Data as they are; an array of the one variable that is needed as a column of that name."""
        from .data.boundary import is_table
        from .data.samples import Samples

        if isinstance(data, Samples) or is_table(data):
            return data
        if len(needed) != 1:
            raise ValueError(f"{verb} needs {preview(sorted(needed))}: give them by name, {{name: values}}")
        (name,) = needed
        variable = self._variables[name]
        array = np.asarray(data)
        shapes = {variable.event_shape, (variable.size,) if variable.event_shape else ()}
        if array.ndim == 0 or array.shape[1:] not in shapes:
            raise ValueError(
                f"values of {name!r} have shape {('n', *variable.event_shape)}, got {array.shape}; other variables are "
                "given by name, {name: values}"
            )
        return {name: array}

    def _children(self, given: Collection[str]) -> list[str]:
        """Variables all of whose parents, at least one, are given, and which are not themselves."""
        found = [name for name, own in self._parents.items() if own and name not in given and set(own) <= set(given)]
        if not found:
            raise ValueError(
                "decode gives the variables whose parents all have values: no variable has all of its parents in "
                f"{preview(sorted(given))}"
            )
        return found

    def _checked_guide(self, guide: Mapping[str, Conditional]) -> dict[str, Conditional]:
        """The guide, bound to the network's variables."""
        if not isinstance(guide, Mapping):
            raise TypeError(f"a guide is a mapping from latent variables to conditionals, got {type(guide).__name__}")
        for name, own in guide.items():
            self._check_name(name)
            if not isinstance(own, Conditional):
                raise TypeError(f"the guide of {name!r} is a conditional, as Neural, got {own!r}")
            if name in self._states:
                raise ValueError(f"{name!r} is discrete: it is summed out, and has no guide")
            if own.variable != self._variables[name]:
                raise ValueError(
                    f"the guide of {name!r} is for {own.variable}, the variable is {self._variables[name]}"
                )
            if name in own.parents:
                raise ValueError(f"the guide of {name!r} reads {name!r} itself")
            for parent in own.parents:
                self._check_name(parent)
        observed = {parent: () for own in guide.values() for parent in own.parents if parent not in guide}
        try:
            topological_order(observed | {name: own.parents for name, own in guide.items()})
        except ValueError as error:
            raise ValueError(f"guides propose latent variables one after the other: {error}") from None
        return {
            name: own.bound(name, [self._variables[parent] for parent in own.parents]) for name, own in guide.items()
        }


def _one_or_all(found: Mapping[str, npt.NDArray[Any]], name: str | None, data: Any) -> Any:
    """By name, or the one that was asked for or is alone; in the library and on the device of the data."""
    tensors = [own for own in (data.values() if isinstance(data, Mapping) else [data]) if _is_tensor(own)]
    give_back = Placement.of(*tensors).give_back
    answers = {own: give_back(array).to(tensors[0].device) if tensors else array for own, array in found.items()}
    if name is not None:
        return answers[name]
    return next(iter(answers.values())) if len(answers) == 1 else answers


def _refuse_on_card(verb: str, data: Any) -> None:
    """TypeError for arrays of a GPU, which would go through the CPU."""
    if is_on_card(data):
        raise not_on_card(verb)


def _on_cpu(data: Any) -> Any:
    """The same data, tensors on the CPU and without gradients."""
    if isinstance(data, Mapping):
        return {name: _on_cpu(own) for name, own in data.items()}
    return data.detach().cpu() if _is_tensor(data) else data


def _is_tensor(data: Any) -> bool:
    return Placement.of(data).library == "torch"
