"""One pre-training run: the same batches, steps and initial weights for every variant of an architecture."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmark.atomic import atomic_write, try_to_write
from benchmark.backbones import VisionTransformer, build_vit, save_backbone
from benchmark.backbones.saving import check_suffix
from benchmark.data.classification import ClassificationSplit
from benchmark.data.datasets.imagenet import DATASET
from benchmark.data.folders import readable
from benchmark.devices import choose_device, loader_processes
from benchmark.distributed import World, process_group
from benchmark.errors import DivergedError, UsageError
from benchmark.pretraining.augment import Views, dino_sample, supervised_sample
from benchmark.pretraining.dino import DinoLearner
from benchmark.pretraining.optimizer import clip_gradients, learning_rate, make_optimizer, set_schedule
from benchmark.pretraining.options import PretrainOptions
from benchmark.pretraining.parallel import sum_gradients, summed
from benchmark.pretraining.recipe import DinoRecipe, Recipe, SupervisedRecipe, Train, load_recipe
from benchmark.pretraining.supervised import SupervisedLearner
from benchmark.probing.resume import ResumeFile
from benchmark.probing.train import seed_torch
from benchmark.progress import Progress
from benchmark.records.environment import code_version
from benchmark.samples.loader import training_batches
from benchmark.samples.sample_order import SampleOrder


def pretrain(out: Path, options: PretrainOptions) -> bool:
    """Trains a backbone and writes ``out``, ``NAME@STEP`` beside it where the recipe wants them, and ``NAME.jsonl``.

    The first line of the log holds all settings, the others the losses. A killed run resumes; one that is
    done with the same settings is left alone.

    Returns:
        Whether it trained; False if it was done already.

    Raises:
        DivergedError: A loss that is NaN.
        DenseBenchError: Whatever ``prepare`` finds wrong; a state of other settings.
    """
    device = choose_device(options.device)
    with process_group(device) as world:
        plan = world.together(lambda: prepare(out, options, world.size))
        world.refuse_different_input({"code version": code_version(), "output": str(out), "done already": plan is None})
        if plan is None:
            return False
        recipe, vit, split, settings = plan
        images = world.together(lambda: _sample_of_sizes(split))
        world.refuse_different_input({"settings": settings, "images": images})
        if world.is_main:
            for note in split.notes:
                print(f"{out.stem}: note: {note}")
        if isinstance(recipe, DinoRecipe):
            learner, load = DinoLearner(vit, recipe, options.seed, world), dino_sample(split, recipe)
        else:
            learner = SupervisedLearner(vit, len(split.classes), recipe.mixing, options.seed, world)
            load = supervised_sample(split, recipe.augment)
        resume = ResumeFile(out.with_suffix(".resume.pt"), every_s=options.save_every_s)
        run = _Run(recipe, out, _log_of(out), settings, options, device, world, resume)
        run.train(learner.to(device).train(), load, len(split))
    return True


class TrainingPlan(NamedTuple):
    """A run that can start."""

    recipe: Recipe
    vit: VisionTransformer
    split: ClassificationSplit
    settings: dict[str, Any]
    """All that decides the result."""


def prepare(out: Path, options: PretrainOptions, processes: int) -> TrainingPlan | None:
    """Finds what is wrong before anything is trained; returns None if the same run is done already.

    Raises:
        UsageError: No such recipe, size or specialisation; a batch of more images than there are, or that the processes
            cannot share; ``out`` or its log belongs to other settings or to something else; a place that cannot
            be written.
        DataError: No images, or whatever ``ClassificationSplit`` finds wrong.
    """
    check_suffix(out)
    recipe = load_recipe(options.recipe, options.overrides)
    vit = build_variant(recipe, options)
    split = ClassificationSplit(DATASET, options.data_root, "train")
    batch = recipe.train.batch_size
    if batch > len(split):
        raise UsageError(f"train.batch_size={batch} is more than the {len(split)} images of {split.root}")
    if batch < processes:
        raise UsageError(f"train.batch_size={batch} cannot be shared by {processes} processes")
    if isinstance(recipe, SupervisedRecipe) and recipe.mixing.mixes and processes > 1 and batch % (2 * processes):
        raise UsageError(
            f"train.batch_size={batch} is not a multiple of {2 * processes}: Mixup and CutMix need pairs of images in "
            f"each of {processes} processes; change it, or set mixing.mixup=0 mixing.cutmix=0"
        )
    settings = _settings(recipe, options, split)
    if _is_done(out, settings, recipe.train):
        return None
    try:
        try_to_write(out.parent)
    except OSError as error:
        raise UsageError(f"{out.parent} cannot be written to: {error.strerror}") from error
    return TrainingPlan(recipe, vit, split, settings)


def build_variant(recipe: Recipe, options: PretrainOptions) -> VisionTransformer:
    """Makes the ViT whose shared layers begin as those of the plain one of the same size and seed.

    Both halves of a split layer begin as the layer they replace: at step 0 every specialisation computes the same
    function. Registers, attention bias tokens and low-rank additions are drawn from the seed.

    Raises:
        UsageError: No such size or specialisation, or image sides that are not whole patches.
    """
    fields = {**recipe.model.model_dump(), "image_size": recipe.image_size, "seed": options.seed}
    if isinstance(recipe, DinoRecipe) and recipe.local_crops.size % recipe.model.patch_size:
        raise UsageError(f"local crops of {recipe.local_crops.size} pixels are not whole patches")
    plain = build_vit(options.size, **fields).state_dict()
    vit = build_vit(
        options.size,
        specialization=options.specialization,
        num_registers=options.num_registers,
        attention_bias=options.attention_bias,
        **fields,
    )
    initial = vit.state_dict()
    shared = {key: key.replace(".cls.", ".").replace(".patch.", ".") for key in initial}
    vit.load_state_dict({key: plain.get(name, initial[key]) for key, name in shared.items()})
    return vit


@dataclass(frozen=True)
class _Run:
    """What the loop needs beside what it trains."""

    recipe: Recipe
    out: Path
    log: Path
    settings: dict[str, Any]
    options: PretrainOptions
    device: torch.device
    world: World
    resume: ResumeFile

    def train(self, learner: nn.Module, load: Any, images: int) -> None:
        """Resumes from the last saved state and trains to the end; each step is a function of (seed, step)."""
        train, seed, world = self.recipe.train, self.options.seed, self.world
        depth = learner.backbone.spec.depth
        optimizer = make_optimizer(learner.trained(), depth, self.recipe.optimizer)
        start = self._restore(learner, optimizer)
        steps = range(start, train.steps)
        order = SampleOrder(images, train.batch_size, seed)
        workers = loader_processes(self.options.workers, self.device, world.size)
        batches = training_batches(load, _collate, order=order, steps=steps, world=world, workers=workers)
        share = len(world.share(range(train.batch_size))) / train.batch_size
        progress = Progress(train.steps, self.out.stem, done=start, quiet=not world.is_main)
        shown = "starts"
        for step, batch in zip(steps, batches, strict=True):
            seed_torch(seed, step, world.rank)  # drop path
            losses = self._learn(
                learner, optimizer, [part.to(self.device, non_blocking=True) for part in batch], step, share
            )
            done = step + 1
            if done % train.log_every == 0 or done == train.steps:
                values = summed(share * torch.stack(list(losses.values())).detach().float(), world).tolist()
                lr = learning_rate(step, train.steps, self.recipe.optimizer)
                shown = self._note(done, dict(zip(losses, values, strict=True)), lr)
            progress.advance(lambda shown=shown: shown)
            if world.is_main:
                if train.checkpoint_every and (done % train.checkpoint_every == 0 or done == train.steps):
                    save_backbone(learner.backbone, _at_step(self.out, done))
                if self.resume.due():
                    parts = {"learner": learner.state_dict(), "optimizer": optimizer.state_dict()}
                    self.resume.save({**parts, "step": done, "settings": json.dumps(self.settings)})
        progress.close()
        if world.is_main:
            save_backbone(learner.backbone, self.out)
            self.resume.remove()

    def _learn(
        self, learner: nn.Module, optimizer: torch.optim.Optimizer, batch: Sequence[Tensor], step: int, share: float
    ) -> dict[str, Tensor]:
        """Makes one update on this process's share of a batch; returns the losses of the share."""
        recipe = self.recipe
        set_schedule(optimizer, step, recipe.train.steps, recipe.optimizer)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.train.precision == "bfloat16"):
            losses = learner(batch, step)
        optimizer.zero_grad()
        (share * losses["loss"]).backward()
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        sum_gradients(parameters, self.world)
        if recipe.optimizer.clip_norm is not None:
            clip_gradients(optimizer, recipe.optimizer.clip_norm)
        optimizer.step()
        learner.update(step)
        return losses

    def _restore(self, learner: nn.Module, optimizer: torch.optim.Optimizer) -> int:
        """Takes the last state and the log's lines up to it; returns the step to go on with."""
        state = self.world.together(self.resume.load)
        step = "no state" if state is None else f"the state of step {state['step']}"
        self.world.refuse_different_input({f"the resume file {self.resume.path}": step})
        if state is not None:
            if json.loads(state["settings"]) != self.settings:
                raise UsageError(f"{self.resume.path} belongs to other settings; remove it, or give another name")
            learner.load_state_dict(state["learner"])
            optimizer.load_state_dict(state["optimizer"])
        start = 0 if state is None else state["step"]
        if self.world.is_main:
            earlier = [line for line in _read_log(self.log)[1:] if line["step"] <= start] if start else []
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self.log) as file:
                file.write("".join(json.dumps(line) + "\n" for line in (self.settings, *earlier)).encode())
        self.world.barrier()
        return start

    def _note(self, done: int, losses: Mapping[str, float], lr: float) -> str:
        """Adds a line to the log and returns what progress shows."""
        if not all(map(math.isfinite, losses.values())):
            raise DivergedError(f"{self.out.stem}: the loss is {losses['loss']} at step {done}; lower optimizer.lr")
        if self.world.is_main:
            with self.log.open("a") as file:
                file.write(json.dumps({"step": done, "lr": lr, **losses}) + "\n")
        return f"loss {losses['loss']:.4f}"


def _settings(recipe: Recipe, options: PretrainOptions, split: ClassificationSplit) -> dict[str, Any]:
    """Returns all that decides the result, images by their names, as plain values."""
    names = hashlib.sha256("\n".join(split.names).encode()).hexdigest()[:16]
    names_of_options = ("size", "specialization", "seed", "num_registers", "attention_bias")
    chosen = {name: getattr(options, name) for name in names_of_options}
    return json.loads(json.dumps({**chosen, "images": len(split), "names": names, "recipe": recipe.model_dump()}))


def _sample_of_sizes(split: ClassificationSplit) -> str:
    """Hashes the sizes of a thousand images, evenly spread: all of a million would take minutes on a network's disk."""
    files = split.files[:: max(1, len(split) // 1000)]
    with readable():
        sizes = [path.stat().st_size for path in files]
    return hashlib.sha256(" ".join(map(str, sizes)).encode()).hexdigest()[:16]


def _is_done(out: Path, settings: dict[str, Any], train: Train) -> bool:
    """Tells whether ``out`` is made; raises UsageError if a run with these settings would replace something else."""
    log = _log_of(out)
    same = _read_log(log)[:1] == [settings]
    if out.is_dir():
        raise UsageError(f"{out} is a folder; give another name")
    if log.exists() and not same:
        raise UsageError(f"{log} is of a run with other settings; give another name, or remove it first")
    if out.exists() and not same:
        raise UsageError(f"{out} exists without its log {log.name}; give another name, or remove it first")
    every = train.checkpoint_every
    for step in (*range(every, train.steps, every), train.steps) if every else ():
        if (other := _log_of(_at_step(out, step))).exists():
            raise UsageError(f"{other} is of a run whose checkpoint has a name this run needs; give another name")
    return out.exists()


def _at_step(out: Path, step: int) -> Path:
    return out.with_stem(f"{out.stem}@{step}")


def _log_of(out: Path) -> Path:
    return out.with_suffix(".jsonl")


def _read_log(path: Path) -> list[dict[str, Any]]:
    """Returns the lines of a log, settings first; the last may have been cut off by a kill."""
    if not path.exists():
        return []
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
        if lines and "recipe" not in lines[0]:
            raise ValueError("no settings")
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path} is not a log of a pre-training; give another name, or remove it first") from error
    return lines


def _collate(samples: list[Any]) -> tuple[Tensor, ...]:
    """Makes a batch of samples; views come before images."""
    if isinstance(samples[0], Views):
        return Views(*(torch.stack(parts, dim=1) for parts in zip(*samples, strict=True)))
    images, labels = zip(*samples, strict=True)
    return torch.stack(images), torch.tensor(labels)
