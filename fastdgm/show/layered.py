"""Where everything in a picture of a graph stands: layers from causes to effects (Sugiyama et al. 1981)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .layers import Neighbours, longest_path_layers, packed_layers

BOX_HEIGHT, LAYER_GAP, GAP, LINE_GAP, MARGIN = 28.0, 40.0, 18.0, 6.0, 12.0  # pixels
CHARACTER, CAPITAL, IDEOGRAPH, PADDING = 7.2, 8.6, 12.5, 20.0  # widths of a sans-serif font, on the safe side
CELL_WIDTH = 1000.0  # pixels, about that of a notebook's cell; wider layers are broken into several
MOST_BENDS = 20_000  # beyond, lines run straight, behind the boxes
SWEEPS = 6  # down and up again, at most

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]


class Drawing(NamedTuple):
    """A graph on paper. Points below the number of variables are boxes, the others are bends of lines."""

    x: Floats  # centre of every point
    y: Floats  # upper edge of the layer of every point, where its box begins
    lower: Floats  # lower edge of the layer of every point: where its highest box ends
    widths: Floats  # of boxes
    heights: Floats
    lines: list[tuple[int, int]]  # from the upper point to the lower one
    size: tuple[float, float]  # width, height


class _Layer(NamedTuple):
    """Points from left to right, and the ends of the lines that reach them: (point in this layer, the other)."""

    points: Integers
    above: tuple[Integers, Integers]
    below: tuple[Integers, Integers]


def placed(
    parents: Mapping[str, Sequence[str]], order: Sequence[str], sizes: Mapping[str, tuple[float, float]]
) -> Drawing:
    """Place boxes of any sizes, in the order of ``order``: layers, bends, barycentres.

    All lines from one parent share their bends. The drawing is about as wide as a notebook's cell.

    Parameters
    ----------
    parents : the parents of every variable. order : a topological order. sizes : width and height, per variable.
    """
    above, below = _neighbours(parents, order)
    widths, heights = np.array([sizes[name] for name in order]).T
    layer = _layers(above, below, widths)
    lines = _lines(layer, below)
    room = np.full(len(layer), LINE_GAP)  # that every point needs
    room[: len(widths)] = widths + GAP
    layers = _with_neighbours(np.array(layer), lines)
    _reduce_crossings(layers, len(layer))
    return _on_paper(_place(layers, room), np.array(layer), widths, heights, lines)


def _neighbours(parents: Mapping[str, Sequence[str]], order: Sequence[str]) -> tuple[Neighbours, Neighbours]:
    """Parents and children of every variable, by their places in ``order``."""
    number = {name: i for i, name in enumerate(order)}
    above = [[number[parent] for parent in parents[name]] for name in order]
    below: list[list[int]] = [[] for _ in order]
    for child, own in enumerate(above):
        for parent in own:
            below[parent].append(child)
    return above, below


def _on_paper(x: Floats, layer: Integers, widths: Floats, heights: Floats, lines: list[tuple[int, int]]) -> Drawing:
    """Whole pixels, a margin around everything, and layers as high as their highest boxes."""
    half = np.zeros(len(x))
    half[: len(widths)] = widths / 2
    x = np.rint(x)
    x += np.ceil(MARGIN - (x - half).min())
    highest = np.zeros(int(layer.max()) + 1)
    np.maximum.at(highest, layer[: len(heights)], heights)
    top = MARGIN + np.concatenate([[0.0], np.cumsum(highest[:-1] + LAYER_GAP)])
    y, lower = top[layer], (top + highest)[layer]
    return Drawing(x, y, lower, widths, heights, lines, (float((x + half).max()) + MARGIN, float(lower.max()) + MARGIN))


def label_size(label: str) -> tuple[float, float]:
    """Width and height of a box that holds a line of text."""
    return text_width(label) + PADDING, BOX_HEIGHT


def text_width(text: str) -> float:
    """Pixels that a text takes at most in letters of 12 pixels."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    capital = sum(c.isupper() for c in text)
    return IDEOGRAPH * wide + CAPITAL * capital + CHARACTER * (len(text) - wide - capital)


def _layers(parents: Neighbours, children: Neighbours, widths: Floats) -> list[int]:
    """Longest paths where no layer of them is too wide."""
    layer = longest_path_layers(parents, children)
    room = widths + GAP
    if np.bincount(layer, weights=room).max() - GAP <= CELL_WIDTH:
        return layer
    return packed_layers(parents, children, room.tolist(), CELL_WIDTH)


def _lines(layer: list[int], children: Neighbours) -> list[tuple[int, int]]:
    """Lines between points of neighbouring layers: a bend for each layer that a parent's lines cross.

    ``layer`` grows by those of the bends. Where there would be too many bends, lines cross layers.
    """
    deepest = [max((layer[child] for child in own), default=0) for own in children]
    n_bends = sum(max(last - layer[parent] - 1, 0) for parent, last in enumerate(deepest))
    if n_bends > MOST_BENDS:
        return [(parent, child) for parent, own in enumerate(children) for child in own]
    lines: list[tuple[int, int]] = []
    for parent, (own, last) in enumerate(zip(children, deepest, strict=True)):
        crossed = range(layer[parent] + 1, last)
        chain = [parent, *range(len(layer), len(layer) + len(crossed))]
        layer.extend(crossed)
        lines += pairwise(chain)
        lines += [(chain[layer[child] - layer[parent] - 1], child) for child in own]
    return lines


def _with_neighbours(layer: Integers, lines: Sequence[tuple[int, int]]) -> list[_Layer]:
    upper, lower = np.array(lines, dtype=np.intp).reshape(-1, 2).T
    points = _by_layer(np.arange(len(layer)), layer)
    above = zip(_by_layer(lower, layer[lower], len(points)), _by_layer(upper, layer[lower], len(points)), strict=True)
    below = zip(_by_layer(upper, layer[upper], len(points)), _by_layer(lower, layer[upper], len(points)), strict=True)
    return [_Layer(*each) for each in zip(points, above, below, strict=True)]


def _by_layer(points: Integers, layer: Integers, n_layers: int = 0) -> list[Integers]:
    """Points layer by layer, in the order in which they came."""
    ends = np.cumsum(np.bincount(layer, minlength=n_layers))
    return np.split(points[np.argsort(layer, kind="stable")], ends[:-1])


def _reduce_crossings(layers: list[_Layer], n_points: int) -> None:
    """Sort every layer by the mean position of its neighbours, downwards and upwards in turn, while that helps."""
    position = np.empty(n_points)
    for each in layers:
        position[each.points] = np.arange(len(each.points))
    for _ in range(SWEEPS):
        before = position.copy()
        for i, ends in _down_and_up(layers):
            points = layers[i].points
            points = points[np.argsort(_centres(points, ends, position), kind="stable")]
            position[points] = np.arange(len(points))
            layers[i] = layers[i]._replace(points=points)
        if np.array_equal(position, before):
            return


def _place(layers: Sequence[_Layer], room: Floats) -> Floats:
    """Move every point towards its neighbours as far as order, room and paper allow."""
    x = np.zeros(len(room))
    right = [np.cumsum(room[each.points]) for each in layers]
    paper = max(CELL_WIDTH, *(own[-1] for own in right))
    first = [own - room[each.points] / 2 for own, each in zip(right, layers, strict=True)]  # as far left as can be
    for _ in range(SWEEPS):
        before = x.copy()
        for i, ends in _down_and_up(layers):
            points = layers[i].points
            wanted = _centres(points, ends, x)
            free = np.clip(wanted - first[i], 0.0, paper - right[i][-1])  # beyond the place as far left as can be
            pushed_right = np.maximum.accumulate(free)
            pushed_left = np.minimum.accumulate(free[::-1])[::-1]
            x[points] = first[i] + (pushed_right + pushed_left) / 2  # both keep the room, so their mean does
        if np.abs(x - before).max() < 1.0:
            break
    return x


def _down_and_up(layers: Sequence[_Layer]) -> Iterator[tuple[int, tuple[Integers, Integers]]]:
    """Every layer with its lines from above, downwards; then with those from below, upwards."""
    for i in range(len(layers)):
        yield i, layers[i].above
    for i in reversed(range(len(layers))):
        yield i, layers[i].below


def _centres(points: Integers, ends: tuple[Integers, Integers], values: Floats) -> Floats:
    """The mean value of every point's neighbours; its own where it has none."""
    rank = np.argsort(points)
    own = rank[np.searchsorted(points, ends[0], sorter=rank)]
    count = np.bincount(own, minlength=len(points))
    total = np.bincount(own, weights=values[ends[1]], minlength=len(points))
    return np.where(count > 0, total / np.maximum(count, 1), values[points])
