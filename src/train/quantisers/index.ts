export { type QuantisedValue, type QuantisedWeights, quantisersOf, withFloatQuantisers } from "./export.ts";
export { insertQuantisers, type QuantiserOptions } from "./insert.ts";
export { type ObservedChannels, observeChannels } from "./observe.ts";
export { withThresholds } from "./ternary.ts";
