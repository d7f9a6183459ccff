# What docs/ablation.md trains on a thousand photographs: three variants of a tiny ViT, each from three seeds. A
# checkpoint does not say which seed it was trained from, so its name has to: --name 'norms, seed 1'.
title = 'Which layers are split: a tiny ViT on a thousand photographs'

columns = [
    dict(name='params +%', field='overhead_pct'),
    dict(name='kNN', mean=['imagenet-knn']),
    dict(name='linear', mean=['imagenet-linear']),
    dict(name='logreg', mean=['imagenet-logreg']),
    dict(name='VOC', mean=['voc2012']),
]
baseline = 'baseline'
groups = [
    dict(
        name=f'seed {seed}',
        match=dict(layout='densebench', name=f'*, seed {seed}'),
        rows=[
            dict(name='baseline', match=dict(specialization='none')),
            dict(name='norms', match=dict(specialization='norms')),
            dict(name='norms+qkv', match=dict(specialization='norms+qkv[{third}]')),
        ],
    )
    for seed in range(3)
]
trainings = 'three seeds'
