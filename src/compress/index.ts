export { type QuantizeOptions, quantizeModel } from "./int8/quantize.ts";
