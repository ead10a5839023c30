"""The section about GPUs: what public verbs are to reach, and what they reached on the cards that were had."""

from __future__ import annotations

import json
from typing import Any

from gpu_targets import GPU_TARGETS
from machine import RESULTS
from markdown_tables import bold, comparisons, digits, markdown
from targets import judge

Results = dict[str, Any]

NOT_YET = "not yet measured on a card"


def read_cards() -> dict[str, Results]:
    """Runs that are kept, by the name of the card; runs of twins alone are none."""
    found = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("gpu_*.json")))
    return {own["machine"]["gpu"]["name"]: own for own in found if "results" in own}


def targets_table(cards: dict[str, Results]) -> str:
    """A line for each target, a column for each card."""
    lines = []
    for name, target in GPU_TARGETS.items():
        bound = f"{'at least' if target.at_least else 'at most'} {digits(target.limit)} {target.unit}"
        measured = []
        for results in cards.values():
            found = judge(target, results["results"])
            text = f"{digits(found.value)} {found.unit}, {found.met}" if found else NOT_YET
            measured.append(bold(text, found is not None and found.met != "met"))
        lines.append([name, bound, *(measured or [NOT_YET])])
    return markdown(["", "target", *(cards or ["measured"])], lines, left=range(2 + max(1, len(cards))))


def card_lines(results: Results) -> list[str]:
    """Everything that was measured on a card."""
    machine, gpu = results["machine"], results["machine"]["gpu"]
    rates = ", ".join(f"{name.replace('_', ' ')} {gpu[name]:.3g}" for name in gpu if name.endswith("_per_second"))
    passed = sum(each["passed"] for each in results["checks"])
    failed = "".join(f" Failed: {own['part']}: {own['error']}." for own in results["failures"])
    return [
        f"### {gpu['name']}",
        f"{rates}. {passed} of {len(results['checks'])} checks passed.{failed} CPU: {machine['processor']}, two "
        f"threads of {machine['cores']} cores; {machine['date'][:10]}.",
        comparisons(results["results"]),
    ]


def gpu_section(cards: dict[str, Results]) -> list[str]:
    """Of results/README.md."""
    return [
        "## GPUs",
        "Public verbs, arrays on the card: medians of 7 interleaved rounds, the clock read when the card is done, "
        "beside torch on the same card and the card's own limits, by `python bench/gpu/run.py` where there is one. How "
        "twins are laid out and what is expected of them: [gpu.md](../../.docs/gpu.md); registers, local memory and "
        "spills of every twin, which no card is needed for: [ptx.json](ptx.json).",
        targets_table(cards),
        *(line for results in cards.values() for line in card_lines(results)),
    ]
