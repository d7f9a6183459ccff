# What a checkpoint's keys do not tell. None takes the layout's own value.
backbone = dict(
    num_heads=None,
    norm_eps=None,
    interpolate_offset=None,
    interpolate_antialias=None,
    registers_follow=None,
    rope_dtype=None,
    patch_size=None,
    image_size=None,
    weights=None,
    mean=None,
    std=None,
)
