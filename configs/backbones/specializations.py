# Which layers hold separate [CLS] and patch weights, and in which blocks: 'all', a share of the depth, the first n, or
# ranges such as '0-7,12'. norms = norm1, norm2 and, where the model has LayerScale, ls1, ls2.
# Source: arXiv 2602.08626. Its percentages for ViT-L (0.05, 3, 8, 11, 22, 25, 30, 33) fit norms in all blocks and
# everything else in the first third; whether the final norm is split cannot be told from them, so it is not.
specializations = {
    'none': dict(),
    # Component ablation, in the table's order.
    'norms': dict(norms='all'),
    'norms+proj': dict(norms='all', proj='1/3'),
    'norms+qkv': dict(norms='all', qkv='1/3'),  # the best one
    'norms+qkv+proj': dict(norms='all', qkv='1/3', proj='1/3'),
    'norms+mlp': dict(norms='all', mlp='1/3'),
    'norms+proj+mlp': dict(norms='all', proj='1/3', mlp='1/3'),
    'norms+qkv+mlp': dict(norms='all', qkv='1/3', mlp='1/3'),
    'norms+qkv+proj+mlp': dict(norms='all', qkv='1/3', proj='1/3', mlp='1/3'),
    # Further rows of the text.
    'qkv': dict(qkv='1/3'),
    'norms+lora': dict(norms='all', qkv_lora='1/3', lora_rank=128),  # rank inferred from +1.4 % of ViT-L
    # How many blocks (figure 8): everything, norms too, in the first n of 24.
    'all-0': dict(),
    'all-4': dict(norms='4', qkv='4', proj='4', mlp='4'),
    'all-8': dict(norms='8', qkv='8', proj='8', mlp='8'),
    'all-12': dict(norms='12', qkv='12', proj='12', mlp='12'),
    'all-16': dict(norms='16', qkv='16', proj='16', mlp='16'),
    'all-20': dict(norms='20', qkv='20', proj='20', mlp='20'),
    'all-24': dict(norms='24', qkv='24', proj='24', mlp='24'),
}
