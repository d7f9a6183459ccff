"""Image classification by kNN, linear probes and logistic regression, on one shared extraction of features."""
