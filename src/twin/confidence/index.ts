export { type Confidence, confidences, createConfidence, defaultConfidence, topClasses } from "./measures.ts";
export { logitsOfProbabilities } from "./probabilities.ts";
export { rangeOf } from "./range.ts";
export { logSumExp, topClass } from "./softmax.ts";
export { fitTemperature } from "./temperature.ts";
