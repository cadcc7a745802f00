import { foldBatchNormalization, type Model, modelCost } from "../../onnx/index.ts";
import { LatencyTable, type LayerBits, type LayerShape, layerShapes } from "../latency/index.ts";

/** A layer that computes, and what it costs for one image. */
export interface Layer {
  readonly node: string;
  readonly op: string;
  /** Present for convolutions of two dimensions and products with weights. */
  readonly shape?: LayerShape;
  /** Of the weights. */
  readonly bits: LayerBits;
  readonly macs: number;
  /** Of weights and bias. */
  readonly bytes: number;
  /** On this machine, one thread, by the latency table; present with a shape. */
  readonly milliseconds?: number;
}

/** A layer before and after compression; one of them is missing where it went, or is new. */
export interface LayerPair {
  readonly before?: Layer;
  readonly after?: Layer;
}

/**
 * The layers of two networks side by side, in the order of the networks. A network that inherits its layers keeps their
 * nodes' names; the layers of one that was made anew follow after the original's.
 */
export async function compareLayers(original: Model, compressed: Model): Promise<LayerPair[]> {
  const table = new LatencyTable();
  const before = await layersOf(original, table);
  const after = await layersOf(compressed, table);
  const known = new Map(before.map((layer) => [layer.node, layer]));
  const inherited = after.every((layer) => isSameLayer(layer, known.get(layer.node)));
  if (!inherited) return [...before.map((layer) => ({ before: layer })), ...after.map((layer) => ({ after: layer }))];
  const kept = new Map(after.map((layer) => [layer.node, layer]));
  return before.map((layer) => {
    const twin = kept.get(layer.node);
    return twin === undefined ? { before: layer } : { before: layer, after: twin };
  });
}

/** Whether layers differ in widths and bits at most. */
const isSameLayer = (a: Layer, b: Layer | undefined): boolean =>
  a.op === b?.op &&
  String(a.shape?.kernel) === String(b.shape?.kernel) &&
  String(a.shape?.size) === String(b.shape?.size);

/** The layers as they run: BatchNormalization folded. */
async function layersOf(model: Model, table: LatencyTable): Promise<Layer[]> {
  const folded = foldBatchNormalization(model);
  const shapes = new Map(layerShapes(folded).map((layer) => [layer.node, layer]));
  const layers: Layer[] = [];
  for (const { node, op, macs, bytes } of modelCost(folded).layers) {
    if (macs === 0) continue;
    const { shape, bits = 32 } = shapes.get(node) ?? {};
    const timed = shape && { shape, milliseconds: await table.milliseconds(shape, bits) };
    layers.push({ node, op, bits, macs, bytes, ...timed });
  }
  return layers;
}
