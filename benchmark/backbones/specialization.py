"""Token specialisation: which layers hold separate weights for [CLS] and for patches, and in which blocks.

Source: "Revisiting [CLS] and Patch Token Interaction in Vision Transformers" (arXiv 2602.08626), section 3. Every token
passes through exactly one copy of each layer, so a split costs parameters and no operations.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

Blocks = tuple[int, ...]

LAYERS = ("norm1", "norm2", "ls1", "ls2", "qkv", "proj", "mlp")
"""Layers of a block that can be split, by their names in ``blocks.{i}``; qkv and proj are in ``attn``."""

NORMS = ("norm1", "norm2", "ls1", "ls2")
"""What the paper calls the norms: LayerNorms and LayerScales."""


@dataclass(frozen=True, kw_only=True)
class Specialization:
    """For each layer the blocks in which it is split; ``Specialization()`` is an ordinary ViT."""

    norm1: Blocks = ()
    """LayerNorm before attention: two affine sets. Its statistics are per token either way."""

    norm2: Blocks = ()
    """LayerNorm before the feed-forward layer."""

    ls1: Blocks = ()
    """LayerScale after attention."""

    ls2: Blocks = ()
    """LayerScale after the feed-forward layer."""

    qkv: Blocks = ()
    """Query, key and value projection, weights and biases. The attention product stays common."""

    proj: Blocks = ()
    """Projection after attention."""

    mlp: Blocks = ()
    """Feed-forward layer, MLP or SwiGLU."""

    qkv_lora: Blocks = ()
    """Blocks whose qkv stays shared and adds a low-rank product for [CLS]."""

    lora_rank: int = 0
    """Rank of those products."""

    final_norm: bool = False
    """Whether the norm after the last block is split."""

    def __post_init__(self) -> None:
        both = sorted({*self.qkv} & {*self.qkv_lora})
        if both:
            raise ValueError(f"qkv of blocks {both} cannot be split and have a low-rank addition at once")
        if bool(self.qkv_lora) != bool(self.lora_rank):
            raise ValueError(f"low-rank qkv needs blocks and a rank; received {self.qkv_lora} and {self.lora_rank}")

    def __bool__(self) -> bool:
        return self != Specialization()

    def label(self, depth: int, *, layer_scale: bool) -> str:
        """Returns a short name: ``none``, ``norms``, ``norms+qkv[0-7]``, ``norms+qkv-lora128[0-7]``.

        Layers split in all ``depth`` blocks stand without brackets; ``norms`` is every norm and LayerScale of a block.
        """
        parts: list[tuple[str, Blocks]] = []
        norms = {getattr(self, layer) for layer in NORMS[: 4 if layer_scale else 2]}
        if len(norms) == 1:
            parts.append(("norms", norms.pop()))
            others = LAYERS[4:]
        else:
            others = LAYERS
        parts += [(layer, getattr(self, layer)) for layer in others]
        parts.append((f"qkv-lora{self.lora_rank}", self.qkv_lora))
        names = [f"{name}{brackets(blocks, depth)}" for name, blocks in parts if blocks]
        if self.final_norm:
            names.append("norm")
        return "+".join(names) or "none"

    def union(self, other: Specialization) -> Specialization:
        """Returns what is split in either of the two.

        Raises:
            ValueError: Two different LoRA ranks, or a block whose qkv one splits and the other adds to.
        """
        if self.lora_rank and other.lora_rank and self.lora_rank != other.lora_rank:
            raise ValueError(f"LoRA ranks {self.lora_rank} and {other.lora_rank} cannot be joined")
        joined = {}
        for field in fields(self):
            ours, theirs = getattr(self, field.name), getattr(other, field.name)
            joined[field.name] = tuple(sorted({*ours, *theirs})) if isinstance(ours, tuple) else max(ours, theirs)
        return Specialization(**joined)


def brackets(blocks: Blocks, depth: int) -> str:
    """Writes block indices as ``[0-7,12]``, or nothing for all of them."""
    if blocks == tuple(range(depth)):
        return ""
    runs: list[list[int]] = []
    for block in blocks:
        if runs and block == runs[-1][-1] + 1:
            runs[-1].append(block)
        else:
            runs.append([block])
    return "[" + ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs) + "]"


def parse_blocks(text: str, depth: int) -> Blocks:
    """Reads ``all``, ``none``, a share such as ``1/3``, the first ``8``, or indices and ranges such as ``0-7,12``.

    A share is rounded to whole blocks: a third of 32 is the first 11. A single number is a count, ``8`` the first
    eight; a single block is written as a range, ``8-8``.

    Raises:
        ValueError: No such form, or a block the model does not have.
    """
    if text == "all":
        return tuple(range(depth))
    if text == "none":
        return ()
    try:
        if "/" in text:
            part, whole = map(int, text.split("/"))
            return tuple(range(depth))[: _counted(round(depth * part / whole), depth)]
        if text.isdecimal():
            return tuple(range(depth))[: _counted(int(text), depth)]
        chosen: set[int] = set()
        for word in text.split(","):
            first, _, last = word.partition("-")
            chosen |= set(range(int(first), int(last or first) + 1))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} names no blocks; write all, none, 8, 1/3 or 0-7,12 (depth {depth})") from None
    if not chosen or max(chosen) >= depth:
        raise ValueError(f"{text!r} is not within blocks 0-{depth - 1}")
    return tuple(sorted(chosen))


def _counted(count: int, depth: int) -> int:
    if not 0 <= count <= depth:
        raise ValueError
    return count
