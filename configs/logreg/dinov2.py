# DINOv2's logistic regression (eval/log_regression.py): [CLS] as it is, resized to 224 and not 256; C is chosen on a
# tenth of train, and the model is fitted again to all of train.
_base_ = '../_base_/classification.py'

data = dict(n_per_class=None, tries=1)
view = dict(resize=224)
regression = dict(c_exponents=[-6.0, 5.0], c_count=45, max_iterations=1000, tolerance=1e-12)
selection = dict(holdout=0.1)
