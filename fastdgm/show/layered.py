"""A picture of a graph without graphviz: layers from causes to effects, as one self-contained SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

ROW_HEIGHT, BOX_HEIGHT, GAP, MARGIN = 72.0, 28.0, 18.0, 12.0  # pixels
CHARACTER_WIDTH, PADDING = 7.2, 20.0
SWEEPS = 12

Layers = list[list[int]]  # points in drawing order, layer by layer; points below n are variables, others bends
Neighbours = list[list[int]]


def layered_svg(parents: Mapping[str, Sequence[str]], order: Sequence[str], labels: Mapping[str, str]) -> str:
    """An SVG drawing of a directed acyclic graph (Sugiyama et al. 1981: layers, bends, barycentres).

    Parameters
    ----------
    parents : the parents of every variable.
    order : a topological order.
    labels : printable text per variable.
    """
    names = list(order)
    number = {name: i for i, name in enumerate(names)}
    edges = [(number[parent], number[name]) for name in names for parent in parents[name]]
    layers, routes = _bend(_layer_of(len(names), edges), edges)
    n_points = sum(map(len, layers))
    above: Neighbours = [[] for _ in range(n_points)]
    below: Neighbours = [[] for _ in range(n_points)]
    for route in routes:
        for upper, lower in pairwise(route):
            below[upper].append(lower)
            above[lower].append(upper)
    _reduce_crossings(layers, above, below)
    widths = [CHARACTER_WIDTH * len(labels[name]) + PADDING for name in names]
    widths += [0.0] * (n_points - len(names))
    x = _place(layers, above, below, widths)
    return _draw(layers, routes, x, widths, [labels[name] for name in names])


def _layer_of(n: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Longest path from a root; variables with more children than parents are then pulled down to them."""
    layer, n_parents = [0] * n, [0] * n
    children: Neighbours = [[] for _ in range(n)]
    for parent, child in edges:  # child by child in topological order
        layer[child] = max(layer[child], layer[parent] + 1)
        n_parents[child] += 1
        children[parent].append(child)
    for point in reversed(range(n)):
        if len(children[point]) > n_parents[point]:
            layer[point] = min(layer[child] for child in children[point]) - 1
    return layer


def _bend(layer: Sequence[int], edges: Sequence[tuple[int, int]]) -> tuple[Layers, list[list[int]]]:
    """Give every edge one point per layer that it crosses; returns layers of points, and points per edge."""
    layers: Layers = [[] for _ in range(max(layer) + 1)]
    for point, own in enumerate(layer):
        layers[own].append(point)
    routes = []
    n_points = len(layer)
    for parent, child in edges:
        crossed = range(layer[parent] + 1, layer[child])
        bends = range(n_points, n_points + len(crossed))
        n_points += len(crossed)
        for bend, own in zip(bends, crossed, strict=True):
            layers[own].append(bend)
        routes.append([parent, *bends, child])
    return layers, routes


def _reduce_crossings(layers: Layers, above: Neighbours, below: Neighbours) -> None:
    """Sort every layer by the mean position of its neighbours, downwards and upwards in turn."""
    position = {point: float(i) for layer in layers for i, point in enumerate(layer)}
    for sweep in range(SWEEPS):
        neighbours = below if sweep % 2 else above
        for layer in reversed(layers) if sweep % 2 else layers:
            centre = {p: _mean([position[q] for q in neighbours[p]], position[p]) for p in layer}
            layer.sort(key=centre.__getitem__)
            position.update((point, float(i)) for i, point in enumerate(layer))


def _place(layers: Layers, above: Neighbours, below: Neighbours, widths: Sequence[float]) -> list[float]:
    """Move every point towards its neighbours as far as order and spacing allow."""
    x = [0.0] * len(widths)
    for sweep in range(SWEEPS):
        neighbours = below if sweep % 2 else above
        for layer in reversed(layers) if sweep % 2 else layers:
            wanted = [_mean([x[q] for q in neighbours[p]], x[p]) for p in layer]
            spacing = [(widths[p] + widths[q]) / 2 + GAP for p, q in pairwise(layer)]
            pushed_right = _spread(wanted, spacing)
            pushed_left = [-value for value in _spread([-w for w in reversed(wanted)], spacing[::-1])][::-1]
            for point, right, left in zip(layer, pushed_right, pushed_left, strict=True):
                x[point] = (right + left) / 2  # both keep the spacing, so their mean does
    leftmost = min(position - width / 2 for position, width in zip(x, widths, strict=True))
    return [position - leftmost + MARGIN for position in x]


def _spread(wanted: Sequence[float], spacing: Sequence[float]) -> list[float]:
    """The wanted positions, each pushed right until it clears the one before."""
    placed = list(wanted)
    for i, space in enumerate(spacing):
        placed[i + 1] = max(placed[i + 1], placed[i] + space)
    return placed


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _draw(
    layers: Layers,
    routes: list[list[int]],
    x: Sequence[float],
    widths: Sequence[float],
    labels: Sequence[str],
) -> str:
    y = [0.0] * len(x)
    for depth, layer in enumerate(layers):
        for point in layer:
            y[point] = MARGIN + BOX_HEIGHT / 2 + depth * ROW_HEIGHT
    width = max(position + own / 2 for position, own in zip(x, widths, strict=True)) + MARGIN
    height = max(y) + BOX_HEIGHT / 2 + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="12">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L8 4L0 8z" fill="#777"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
        '<g fill="none" stroke="#777">',
    ]
    lines += [f'<path marker-end="url(#arrow)" d="{_curve([(x[p], y[p]) for p in route])}"/>' for route in routes]
    lines += ["</g>", '<g text-anchor="middle">']
    for i, label in enumerate(labels):
        lines.append(
            f'<rect x="{x[i] - widths[i] / 2:.1f}" y="{y[i] - BOX_HEIGHT / 2:.1f}" width="{widths[i]:.1f}" '
            f'height="{BOX_HEIGHT:.0f}" rx="10" fill="#eef3fa" stroke="#4a6a94"/>'
            f'<text x="{x[i]:.1f}" y="{y[i] + 4:.1f}">{escape(label)}</text>'
        )
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Cubic pieces with vertical tangents, from the bottom of the first box to the top of the last."""
    (x, y), (last_x, last_y) = points[0], points[-1]
    bends = [(x, y + BOX_HEIGHT / 2), *points[1:-1], (last_x, last_y - BOX_HEIGHT / 2)]
    pieces = [f"M{x:.1f} {bends[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in pairwise(bends):
        middle = (y0 + y1) / 2
        pieces.append(f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}")
    return "".join(pieces)
