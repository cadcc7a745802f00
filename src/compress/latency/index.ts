export {
  int8Bytes,
  type LayerBits,
  type LayerShape,
  layerShapes,
  type ModelLayer,
  shapeMacs,
  shapeWeights,
  withChannels,
} from "./layer-shape.ts";
export { estimateLatency, LatencyTable } from "./table.ts";
