_base_ = '../segmentation/dinov2-lin.py'

published = {
    'dinov2-lin': dict(
        agreement='stated',
        why='public copies of its config (Denoising-ViT, FiT3D) have every field, and hub/ has its heads',
    ),
    'revisiting-cls': dict(
        agreement='presumed',
        why="arXiv 2602.08626 states no protocol; its levels are those of DINOv2 'lin.'",
    ),
}
