import { type OperatorTable, sameAsInput } from "./operator.ts";

const names = [
  ...["Relu", "LeakyRelu", "PRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Gelu", "Mish", "Swish"],
  ...["Sigmoid", "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Shrink"],
  ...["Softmax", "LogSoftmax", "Hardmax"],
  ...["com.microsoft.Gelu", "com.microsoft.FastGelu", "com.microsoft.QuickGelu"],
];

export const activation: OperatorTable = Object.fromEntries(names.map((name) => [name, sameAsInput]));
