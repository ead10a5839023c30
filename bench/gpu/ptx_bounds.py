"""What twins may take of a card, and what is wrong with figures that are beyond it."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]

MOST_REGISTERS = 128  # of a thread: 16 warps of 65 536 registers stay on a multiprocessor
MULTIPROCESSOR_REGISTERS = 65_536
GROWTH = 8  # registers, the step in which they are given out, that a change may add before its figures are looked at
STATIC_SHARED_BYTES = 48 << 10  # of a block
KEPT_UNITS = "hidden units of several rows stay in registers, so that a weight read once serves all of them"
KEPT_SUMS = "sums of a panel, units times rows, stay in registers: half a load for a multiply-add"
KEPT_STATES = "sums of four states stay in registers, and what several steps of them read"
MANY_REGISTERS: dict[str, str] = {  # "family: verb" of twins that may have up to MOST_OF_ALL, and why
    "nade: log_prob": KEPT_UNITS,
    "nade: sample": KEPT_UNITS,
    "nade: slopes": KEPT_UNITS,
    "masked: log_prob": KEPT_SUMS,
    "masked: sample": KEPT_SUMS,
    "hidden chains: posterior": KEPT_STATES,
    "hidden chains: posterior, transitions in shared memory": KEPT_STATES,
    "masked: draw block": "a thread has a row and what its variables add inside of a block",
}
MOST_OF_ALL = 255  # that a thread can have
LOCAL_MEMORY: dict[str, str] = {  # "family: verb" of twins with a stack, and why
}


def twin_of(record: Record) -> str:
    """``family: verb``."""
    return str(record["twin"]).partition(" [")[0]


def broken_bounds(record: Record) -> list[str]:
    """What a twin's figures say against it."""
    found = []
    most = max(record["registers"])
    given_out = -(-most // GROWTH) * GROWTH * record["threads_per_block"]
    if any(record["spill_store_bytes"]) or any(record["spill_load_bytes"]):
        found.append(f"spills {record['spill_store_bytes']} bytes stored, {record['spill_load_bytes']} loaded")
    bound = MOST_OF_ALL if twin_of(record) in MANY_REGISTERS else MOST_REGISTERS
    if most > bound:
        found.append(f"{most} registers, more than {bound}")
    if given_out > MULTIPROCESSOR_REGISTERS:
        found.append(f"a block of {record['threads_per_block']} threads with {most} registers each cannot be launched")
    if any(record["stack_bytes"]) and twin_of(record) not in LOCAL_MEMORY:
        found.append(f"{record['stack_bytes']} bytes of local memory, and no reason for them in LOCAL_MEMORY")
    if max(record["shared_bytes"]) > STATIC_SHARED_BYTES:
        found.append(f"{record['shared_bytes']} bytes of shared memory, more than {STATIC_SHARED_BYTES}")
    return found


def growth(found: Record, kept: Record) -> list[str]:
    """Where figures are worse than those that are kept by more than the bound."""
    worse = []
    if any(own > before + GROWTH for own, before in zip(found["registers"], kept["registers"], strict=True)):
        worse.append(f"registers {kept['registers']} -> {found['registers']}")
    for name in ("stack_bytes", "shared_bytes"):
        if any(own > before for own, before in zip(found[name], kept[name], strict=True)):
            worse.append(f"{name} {kept[name]} -> {found[name]}")
    return worse
