export { type BatchOptions, imageBatches } from "./batches.ts";
export type { ImageBatch } from "./int8/images.ts";
export type { MeasuredTime } from "./int8/measure.ts";
export type { QuantizeOptions, QuantizeStep } from "./int8/options.ts";
export { type QuantizedModel, quantizeModel } from "./int8/quantize.ts";
export { type Range, type RangeMethod, rangeMethods } from "./int8/ranges.ts";
export type { NodeReport, QuantizationReport } from "./int8/report.ts";
export { addOriginalInt8 } from "./original-int8.ts";
export * from "./surgery/index.ts";
