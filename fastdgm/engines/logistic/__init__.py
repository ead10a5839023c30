"""Discrete variables by weighted sums of their parents: logistic, softmax and noisy-or."""
