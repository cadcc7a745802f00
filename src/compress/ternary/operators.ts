/** Operators that the integer form has layers for; behind them Relu, which the codes' range does the work of. */
export const integerOperators: readonly string[] = [
  "Conv",
  "Gemm",
  "MatMul",
  "Add",
  "Concat",
  "GlobalAveragePool",
  "AveragePool",
  "MaxPool",
  "Flatten",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Slice",
  "Pad",
];
