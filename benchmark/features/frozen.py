"""From images to frozen tokens, and to the feature map that dense probes see."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmark.backbones import Backbone, Tokens, center_pad
from benchmark.devices import autocast
from benchmark.distributed import World
from benchmark.errors import PrecisionError
from benchmark.protocols.sections import Features


class FrozenBackbone:
    """Runs a backbone without gradients and counts the images it ran on.

    Args:
        backbone: Frozen backbone, on ``device``.
        device: Where images are sent.
        world: The processes that share the work.
    """

    def __init__(self, backbone: Backbone, device: torch.device, world: World | None = None) -> None:
        self.backbone = backbone
        self.device = device
        self.world = world or World()
        self.forwards = 0
        """Images this process ran the backbone on."""
        self.grids: set[tuple[int, int]] = set()
        """Rows and columns of patches of these images."""
        self._finite: Tensor | None = None

    @torch.no_grad()
    def tokens(self, images: Tensor, *, layers: Sequence[int], norm: bool, precision: str) -> list[Tokens]:
        """Maps images (B, 3, H, W) to the tokens of ``layers``, padding the images to whole patches.

        Raises:
            PrecisionError: Tokens of the first batch are not finite; `refuse_not_finite` tells of later ones.
        """
        self.forwards += len(images)
        patch = self.backbone.spec.patch_size
        images = center_pad(images.to(self.device, non_blocking=True), patch)
        self.grids.add((images.shape[-2] // patch, images.shape[-1] // patch))
        with autocast(self.device, precision):
            found = self.backbone.tokens(images, layers=layers, norm=norm)
        self._watch(found, precision)
        return found

    def _watch(self, found: Sequence[Tokens], precision: str) -> None:
        """Remembers on the device whether tokens were finite; only the first batch waits for the answer."""
        finite = torch.stack([each.isfinite().all() for layer in found for each in (layer.cls, layer.patches)]).all()
        first = self._finite is None
        self._finite = finite if first else self._finite.logical_and(finite)
        self._precision = precision
        if first:
            self.refuse_not_finite()

    def refuse_not_finite(self) -> None:
        """Waits for the device and refuses what came out of it.

        Raises:
            PrecisionError: A token so far was NaN or infinite.
        """
        if self._finite is None or self._finite:
            return
        name = self.backbone.spec.arch
        if self._precision == "float32":
            raise PrecisionError(f"tokens of {name} are NaN or infinite; look at the weights with `densebench check`")
        raise PrecisionError(
            f"tokens of {name} are NaN or infinite in {self._precision}; give features.precision=float32"
        )


class FrozenFeatures(FrozenBackbone):
    """What dense probes see.

    Args:
        backbone: Frozen backbone, on ``device``.
        settings: Layers, norm and precision.
        device: Where images are sent.
        world: The processes that share the work.
    """

    def __init__(
        self, backbone: Backbone, settings: Features, device: torch.device, world: World | None = None
    ) -> None:
        super().__init__(backbone, device, world)
        self.settings = settings

    @property
    def with_cls(self) -> bool:
        """Whether heads are given [CLS] too."""
        return getattr(self.settings, "with_cls", False)

    @property
    def dim(self) -> int:
        """Channels of the feature map."""
        return self.backbone.spec.embed_dim * len(self.settings.layers)

    def __call__(self, images: Tensor) -> Tensor:
        """Maps images (B, 3, H, W) to float32 features (B, D, ceil(H/p), ceil(W/p)), padding them to whole patches."""
        return self.head_inputs(images)[0]

    @torch.no_grad()
    def head_inputs(self, images: Tensor) -> tuple[Tensor, ...]:
        """Returns what a head is called with: the features, and [CLS] (B, D) of the same layers if it is asked for."""
        given = self.settings
        tokens = self.tokens(images, layers=given.layers, norm=given.norm, precision=given.precision)
        patches = torch.cat([layer.feature_map() for layer in tokens], dim=1).float()
        if not self.with_cls:
            return (patches,)
        return patches, torch.cat([layer.cls for layer in tokens], dim=1).float()
