# DeiT-III over its training (figure 13 of arXiv 2602.08626): supervised training erodes dense features late, and the
# gain survives only early. Models are told by their names: run them with --name 'SOMETHING@100k'.
title = 'DeiT-III over training'

columns = [
    dict(name='avg seg', mean=['ade20k', 'cityscapes', 'voc2012'], published='avg_seg'),
]
baseline = 'shared'
_at = {
    'B': {'100k': '@100k', '200k': '@200k', '300k': '@300k', '400k': '@400k'},
    'L': {'300k': '@300k (peak)'},
}
groups = [
    dict(
        name=f'ViT-{size} at {step}',
        match=dict(arch=f'ViT-{size}/*', name=f'*@{step}'),
        rows=[
            dict(name='shared', match=dict(specialization='none'), published=f'baseline {variant}'),
            dict(name='norms+qkv', match=dict(specialization='norms+qkv[{third}]'), published=f'specialised {variant}'),
        ],
        published=dict(protocol='revisiting-cls', model='DeiT-III', size=size),
    )
    for size, steps in _at.items()
    for step, variant in steps.items()
]
