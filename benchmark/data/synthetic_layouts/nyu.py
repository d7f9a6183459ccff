"""Rendered rooms in the layout of NYU Depth v2."""

from __future__ import annotations

from pathlib import Path

from benchmark.data.synthetic import render_scene
from benchmark.data.synthetic_layouts.folder import save_depth, save_jpeg, split_seeds, write_folder

_IMAGES_PER_SCENE = 16


def write_nyu(root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] = (128, 160)) -> Path:
    """Writes ``root/nyu`` as `write_ade20k` does and returns ``root/nyu/nyu_depth_v2``.

    Folders of training scenes carry a number and lines of the training list begin with "/", as in the official set.
    """
    seeds = {split: split_seeds("nyu", split, n, seed) for split, n in (("train", train), ("val", val))}

    def build(folder: Path) -> None:
        nyu = folder / "nyu_depth_v2"
        for split, name, scene_name, slash in (("train", "train", "room_{:04d}", "/"), ("val", "test", "room", "")):
            lines = []
            for number, scene_seed in enumerate(seeds[split]):
                scene, place = render_scene(scene_seed, size), scene_name.format(number // _IMAGES_PER_SCENE + 1)
                (nyu / place).mkdir(parents=True, exist_ok=True)
                image, depth = f"{place}/rgb_{number + 1:05d}.jpg", f"{place}/sync_depth_{number + 1:05d}.png"
                save_jpeg(scene, nyu / image)
                save_depth(scene.depth, nyu / depth, per_metre=1000)
                lines.append(f"{slash}{image} {slash}{depth} 518.8579\n")
            (nyu / f"nyu_{name}.txt").write_text("".join(lines), encoding="ascii")

    write_folder(root / "nyu", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "nyu" / "nyu_depth_v2"
