export { type BatchOptions, imageBatches } from "./batches.ts";
export { type QuantizeOptions, quantizeModel } from "./int8/quantize.ts";
export { addOriginalInt8 } from "./original-int8.ts";
