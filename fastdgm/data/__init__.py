"""The boundary: data of any make in, blocks for the kernels; codes and reals out, in the shape that people want."""
