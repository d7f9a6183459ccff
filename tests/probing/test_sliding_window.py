"""Window assembly against mmsegmentation's EncoderDecoder."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from benchmark import compat
from benchmark.backbones import center_pad
from benchmark.probing import sliding_window
from benchmark.probing.sliding_window import WindowAssembly, Windows

compat.install()
from mmengine.config import ConfigDict  # noqa: E402
from mmengine.structures import PixelData  # noqa: E402
from mmseg.models import EncoderDecoder  # noqa: E402
from mmseg.structures import SegDataSample  # noqa: E402
from mmseg.utils import register_all_modules  # noqa: E402

_CPU = torch.device("cpu")


class _Tokens(nn.Module):
    """Stands for backbone and head: logits of each patch from its pixels, at token resolution."""

    def __init__(self, classes: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.conv = nn.Conv2d(3, classes, patch, stride=patch)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        return self.conv(center_pad(images, self.patch))


def _stock(tokens: _Tokens, image: Tensor, windows: Windows, size_out: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Logits and labels of mmsegmentation's own slide inference and post-processing."""
    register_all_modules(init_default_scope=True)
    head = dict(type="FCNHead", in_channels=4, channels=4, num_convs=0, num_classes=5, concat_input=False)
    segmentor = EncoderDecoder(
        backbone=dict(type="ResNet", depth=18),
        decode_head=dict(head, in_index=0),
        test_cfg=ConfigDict(mode="slide", crop_size=(windows.window,) * 2, stride=(windows.stride,) * 2),
    )

    def encode_decode(crop: Tensor, metas: list[dict]) -> Tensor:
        return segmentor.decode_head.predict_by_feat(tokens(crop), metas)

    segmentor.encode_decode = encode_decode
    sample = SegDataSample(metainfo=dict(ori_shape=size_out, img_shape=image.shape[-2:]))
    sample.gt_sem_seg = PixelData(data=torch.zeros(1, *size_out, dtype=torch.long))
    [result] = segmentor.predict(image[None], [sample])
    return result.seg_logits.data, result.pred_sem_seg.data[0]


@pytest.mark.parametrize("size", [(32, 32), (32, 75), (50, 41), (20, 70), (24, 30)], ids=str)
@pytest.mark.parametrize("patch", [8, 7], ids=["whole patches", "padded"])
def test_scores_and_labels_equal_mmsegmentations_slide(size: tuple[int, int], patch: int) -> None:
    torch.manual_seed(0)
    windows = Windows(window=32, stride=21, patch_size=patch)
    tokens = _Tokens(5, patch)
    image, size_out = torch.randn(3, *size), (37, 61)
    expected_scores, expected_labels = _stock(tokens, image, windows, size_out)
    logits = tokens(windows.cut(image))
    assembly = WindowAssembly.of(windows, size, size_out, _CPU)
    torch.testing.assert_close(assembly.scores(logits), expected_scores, rtol=0, atol=1e-5)
    assert torch.equal(assembly.labels(logits), expected_labels)


def test_strips_do_not_change_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(window=32, stride=21, patch_size=8)
    logits = torch.randn(4, 5, 4, 4)
    assembly = WindowAssembly.of(windows, (40, 45), (33, 51), _CPU)
    whole = assembly.labels(logits)
    monkeypatch.setitem(sliding_window._STRIP_ELEMENTS, "cpu", 1)
    assert torch.equal(assembly.labels(logits), whole)


def test_labels_are_made_at_their_own_resolution() -> None:  # trap 7
    windows = Windows(window=16, stride=16, patch_size=8)
    assembly = WindowAssembly.of(windows, (16, 16), (100, 3), _CPU)
    assert assembly.labels(torch.randn(1, 2, 2, 2)).shape == (100, 3)


def test_the_last_window_is_pushed_back_inside() -> None:
    windows = Windows(window=512, stride=341, patch_size=14)
    assert windows.starts(683) == [0, 171]
    assert windows.starts(512) == [0]
    assert windows.starts(300) == [0]
    assert windows.starts(2048) == [0, 341, 682, 1023, 1364, 1536]


def test_padding_is_squeezed_into_the_window_unless_it_is_cut() -> None:  # trap 1
    ramp = torch.arange(37.0).view(1, 1, 1, 37)
    sizes = ((512, 512), (512, 512))
    kept = Windows(512, 341, 14)
    cut = Windows(512, 341, 14, crop_padding=True)
    assert kept.tokens(512) == 37
    squeezed = ramp[0, 0, 0] @ kept.axis_map(*sizes[0]).float().T
    exact = ramp[0, 0, 0] @ cut.axis_map(*sizes[0]).float().T
    # pixel x of the window is pixel x + 3 of the padded one: its token coordinate is (x + 3.5) / 14 - 0.5
    assert exact[100].item() == pytest.approx((100 + 3.5) / 14 - 0.5, abs=1e-4)
    assert squeezed[100].item() == pytest.approx((100 + 0.5) * 37 / 512 - 0.5, abs=1e-4)


def test_a_class_is_found_where_it_is() -> None:
    windows = Windows(window=32, stride=21, patch_size=8)
    image = torch.zeros(3, 32, 53)
    image[:, :, 40:] = 1
    logits = torch.stack((torch.full((2, 4, 4), 0.5), windows.cut(image)[:, 0, 4::8, 4::8]), dim=1)
    labels = WindowAssembly.of(windows, (32, 53), (32, 53), _CPU).labels(logits)
    assert not labels[:, :36].any()
    assert labels[:, 44:].all()
