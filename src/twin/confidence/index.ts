export {
  type Confidence,
  confidences,
  createConfidence,
  defaultConfidence,
  margin,
  maxProbability,
  negativeEnergy,
  negativeEntropy,
  tempered,
  topClasses,
} from "./measures.ts";
export { logitsOfProbabilities } from "./probabilities.ts";
export { type ConfidenceRange, rangeOf } from "./range.ts";
export { logSumExp, type RowFunction, topClass } from "./softmax.ts";
export { fitTemperature } from "./temperature.ts";
