import { type OperatorTable, sameAsInput } from "./operator.ts";

const pointwise = ["Relu", "LeakyRelu", "PRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Gelu", "Mish", "Swish"];
const bounded = ["Sigmoid", "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Shrink"];
const overAxis = ["Softmax", "LogSoftmax", "Hardmax"];
const contributed = ["com.microsoft.Gelu", "com.microsoft.FastGelu", "com.microsoft.QuickGelu"];

export const activation: OperatorTable = Object.fromEntries(
  [...pointwise, ...bounded, ...overAxis, ...contributed].map((name) => [name, sameAsInput]),
);
