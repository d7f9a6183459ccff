# Sizes of ViTs to build or to train; what a checkpoint holds is read from it.
# S, B, L, g: arXiv 2304.07193, table 17 (g trains with SwiGLU). H: ViT-H of arXiv 2010.11929, 16 heads of 80.
sizes = {
    'tiny': dict(embed_dim=192, depth=4, num_heads=3, ffn='mlp', ffn_dim=768),  # a third of Ti, for two CPU cores
    'Ti': dict(embed_dim=192, depth=12, num_heads=3, ffn='mlp', ffn_dim=768),
    'S': dict(embed_dim=384, depth=12, num_heads=6, ffn='mlp', ffn_dim=1536),
    'B': dict(embed_dim=768, depth=12, num_heads=12, ffn='mlp', ffn_dim=3072),
    'L': dict(embed_dim=1024, depth=24, num_heads=16, ffn='mlp', ffn_dim=4096),
    'H': dict(embed_dim=1280, depth=32, num_heads=16, ffn='mlp', ffn_dim=5120),
    'g': dict(embed_dim=1536, depth=40, num_heads=24, ffn='swiglu', ffn_dim=4096),
}
