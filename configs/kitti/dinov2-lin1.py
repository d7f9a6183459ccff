_base_ = '../depth/dinov2-lin1.py'
train = dict(
    fixed_crop=dict(_delete_=True, top='bottom', left='centre', height=352, width=1216),  # "KB crop": no sky
    crop=[352, 704],
    brightness=[0.9, 1.1],
)
test = dict(
    fixed_crop=dict(_delete_=True, top='bottom', left='centre', height=352, width=1216),
    evaluation_crop='garg',
)

published = {
    'dinov2-lin1': dict(
        agreement='stated',
        why='public copies of its config (FiT3D) have every field but the number of GPUs',
    ),
    'revisiting-cls': dict(
        agreement='presumed',
        why="arXiv 2602.08626 states no protocol; its levels are those of DINOv2 'lin. 1'",
    ),
}
