"""The shipped mmsegmentation configs are the independent reference: same head and batch, same loss, gradient, mIoU."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from torch import nn

from benchmark import compat
from benchmark.backbones import load_backbone
from benchmark.data.registry import DATASETS
from benchmark.data.segmentation import SegmentationSplit
from benchmark.features.frozen import FrozenFeatures
from benchmark.load_protocol import load_protocol
from benchmark.metrics import confusion_matrix, iou_scores
from benchmark.openmmlab import build_runner
from benchmark.probing.dense import measure_images
from benchmark.probing.segmentation import SegmentationTask
from benchmark.probing.train import Probe
from benchmark.progress import Progress
from benchmark.protocols.segmentation import Resize
from benchmark.samples.segmentation import test_sample
from heads import upsampled_cross_entropy

compat.install()
from mmseg.registry import MODELS  # noqa: E402
from mmseg.structures import SegDataSample  # noqa: E402
from mmseg.utils import register_all_modules  # noqa: E402

_CONFIGS = Path(__file__).parents[1] / "configs" / "mmseg"
_CPU = torch.device("cpu")
test_sample.__test__ = False  # its name says what it is for, not what pytest takes it for


@pytest.fixture
def config(checkpoint: Path) -> Callable[[str], Config]:
    def load(dataset: str) -> Config:
        [path] = _CONFIGS.glob(f"*_{dataset}-*.py")
        config = Config.fromfile(path)
        config.merge_from_dict({"model.backbone.checkpoint": str(checkpoint), "model.decode_head.in_channels": 192})
        return config

    return load


@pytest.fixture
def segmentor(config: Callable[[str], Config]) -> nn.Module:
    register_all_modules(init_default_scope=True)
    torch.manual_seed(0)
    return MODELS.build(config("voc2012").model)


def _batch() -> tuple[torch.Tensor, torch.Tensor, list[SegDataSample]]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (2, 3, 96, 112), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 21, (2, 96, 112), generator=generator)
    labels[:, :20] = 255
    samples = []
    for label in labels:
        sample = SegDataSample(metainfo={"img_shape": (96, 112), "ori_shape": (96, 112)})
        sample.gt_sem_seg = PixelData(data=label[None])
        samples.append(sample)
    return images, labels, samples


def test_loss_and_gradient_equal_the_stock_segmentor(segmentor: nn.Module) -> None:
    images, labels, samples = _batch()
    segmentor.data_preprocessor.size = (96, 112)
    segmentor.train()
    data = segmentor.data_preprocessor({"inputs": list(images), "data_samples": samples}, training=True)
    stock = segmentor.loss(**data)["decode.loss_ce"]
    stock.backward()
    head = segmentor.decode_head.linear
    expected = {name: parameter.grad.clone() for name, parameter in head.named_parameters()}
    head.zero_grad()

    features = FrozenFeatures(segmentor.backbone.vit, load_protocol("voc2012", "dinov2-lin").settings.features, _CPU)
    mean, std = (
        torch.tensor(values).view(3, 1, 1) for values in features.backbone.spec.preprocessing.__dict__.values()
    )
    rgb = images.flip(1).float() / 255
    ours = upsampled_cross_entropy(head(features((rgb - mean) / std)), labels)
    ours.backward()
    torch.testing.assert_close(ours, stock, rtol=0, atol=1e-6)
    for name, parameter in head.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=0, atol=1e-6)


def test_the_stock_backbone_stays_frozen(segmentor: nn.Module) -> None:
    segmentor.train()
    assert not segmentor.backbone.training
    assert not segmentor.backbone.vit.training
    assert not any(parameter.requires_grad for parameter in segmentor.backbone.parameters())
    assert segmentor.decode_head.linear.bn.training
    trained = {name for name, parameter in segmentor.named_parameters() if parameter.requires_grad}
    assert trained == {f"decode_head.linear.{name}" for name in ("bn.weight", "bn.bias", "conv.weight", "conv.bias")}


@pytest.mark.parametrize("dataset", ["ade20k", "voc2012"])
def test_a_stock_runner_trains_and_our_scoring_gives_its_miou(
    config: Callable[[str], Config], dataset: str, mini_data: Path, tmp_path: Path
) -> None:
    known = DATASETS[dataset]
    settings = config(dataset)
    settings.merge_from_dict(
        {
            "work_dir": str(tmp_path / "work"),
            "train_cfg.max_iters": 6,
            "train_cfg.val_interval": 6,
            "train_dataloader.batch_size": 2,
            "train_dataloader.num_workers": 0,
            "val_dataloader.num_workers": 0,
            "train_dataloader.dataset.data_root": str(known.root(mini_data)),
            "val_dataloader.dataset.data_root": str(known.root(mini_data)),
            "train_dataloader.dataset.pipeline.3.scale": (448, 112),
            "train_dataloader.dataset.pipeline.4.crop_size": (112, 112),
            "val_dataloader.dataset.pipeline.1.scale": (448, 112),
            "model.data_preprocessor.size": (112, 112),
            "model.test_cfg.crop_size": (112, 112),
            "model.test_cfg.stride": (75, 75),
            "param_scheduler.0.end": 2,
        }
    )
    settings.test_dataloader = settings.test_evaluator = settings.test_cfg = None
    runner = build_runner(settings)
    scores: dict[str, float] = {}
    runner.val_loop.evaluator.metrics[0].prefix = None
    original = runner.val_loop.evaluator.evaluate
    runner.val_loop.evaluator.evaluate = lambda size: scores.update(original(size)) or scores
    runner.train()

    protocol = load_protocol(dataset, "mini").settings
    assert protocol.test.resize == Resize(short=112, long=448, filter="cv2")
    features = FrozenFeatures(runner.model.backbone.vit, protocol.features, _CPU)
    probe = Probe(1e-3, 0.0, (0,), runner.model.decode_head.linear.eval())
    split = SegmentationSplit(known, mini_data, "val")
    load = test_sample(split, protocol.test, features.backbone.spec.preprocessing)
    samples = (load(index) for index in range(len(split)))
    progress = Progress(len(split), "val")
    task = SegmentationTask(protocol, features.backbone.spec, known.num_classes)
    areas = measure_images(task, [probe], samples, features, total=len(split), progress=progress)
    assert round(task.score(areas[0]), 2) == pytest.approx(scores["mIoU"], abs=0.011)


def test_the_documented_command_trains(checkpoint: Path, mini_data: Path, tmp_path: Path) -> None:
    [config] = _CONFIGS.glob("*_ade20k-*.py")
    root = DATASETS["ade20k"].root(mini_data)
    command = [
        *(sys.executable, "-m", "benchmark.openmmlab", str(config), "--work-dir", str(tmp_path)),
        *(f"model.backbone.checkpoint={checkpoint}", "model.decode_head.in_channels=192"),
        *("train_cfg.max_iters=1", "train_cfg.val_interval=1", "train_dataloader.batch_size=2"),
        *("train_dataloader.num_workers=0", "val_dataloader.num_workers=0", "test_dataloader.num_workers=0"),
        *(f"{loader}.dataset.data_root={root}" for loader in ("train_dataloader", "val_dataloader")),
        f"test_dataloader.dataset.data_root={root}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "mIoU" in done.stdout + done.stderr


def test_every_shipped_mmseg_config_builds(config: Callable[[str], Config]) -> None:
    register_all_modules(init_default_scope=True)
    for dataset in ("ade20k", "voc2012"):
        settings = config(dataset)
        segmentor = MODELS.build(settings.model)
        assert segmentor.decode_head.num_classes == DATASETS[dataset].num_classes
        assert settings.train_dataloader.dataset.pipeline[2]["num_classes"] == DATASETS[dataset].num_classes
        assert settings.val_dataloader.dataset.data_root.endswith(DATASETS[dataset].folder)


def test_ious_of_a_confusion_matrix_are_those_of_its_areas() -> None:
    target, prediction = torch.randint(0, 4, (2, 500))
    confusion = confusion_matrix(target, prediction, num_classes=4)
    areas = torch.stack((confusion.diagonal(), confusion.sum(0), confusion.sum(1))).numpy()
    task = SegmentationTask(load_protocol("ade20k", "mini").settings, load_backbone("pixels").spec, 4)
    assert task.score(areas[None]) == pytest.approx(100 * iou_scores(confusion)["miou"])
