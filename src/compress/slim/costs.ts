import type { Model } from "../../onnx/index.ts";
import { type LayerShape, layerShapes, type ModelLayer, withChannels } from "../latency/index.ts";
import { removeChannels } from "../surgery/index.ts";
import type { Site } from "./sites.ts";

/** What a layer of a shape costs: multiply-accumulates, bytes or milliseconds. */
export type Measure = (shape: LayerShape) => number | Promise<number>;

/** Channels that a layer loses with each unit of a site. */
interface Loss {
  readonly inputs: number;
  readonly outputs: number;
}

/** What a model costs with its sites at other widths, without making it. */
export class Costs {
  readonly #sites: readonly Site[];
  readonly #layers: readonly { readonly layer: ModelLayer; readonly losses: readonly Loss[] }[];
  readonly #measure: Measure;

  constructor(model: Model, sites: readonly Site[], measure: Measure) {
    const thinned = sites.map((site) => thinnedShapes(model, site));
    this.#sites = sites;
    this.#measure = measure;
    this.#layers = layerShapes(model).map((layer) => ({
      layer,
      losses: sites.map(({ group }, at) =>
        lossOf(layer.shape, thinned[at]!.get(layer.output)!, group.size - half(group)),
      ),
    }));
  }

  /** The sum over all layers, with each site at its width; at width 0 its residual block is gone. */
  async of(widths: readonly number[]): Promise<number> {
    const gone = new Set(
      this.#sites
        .flatMap(({ block }, at) => (widths[at] === 0 ? (block?.nodes ?? []) : []))
        .map(({ outputs }) => outputs[0]),
    );
    let total = 0;
    for (const { layer, losses } of this.#layers) {
      if (!gone.has(layer.output)) total += await this.#measure(this.#shapeAt(layer.shape, losses, widths));
    }
    return total;
  }

  #shapeAt(shape: LayerShape, losses: readonly Loss[], widths: readonly number[]): LayerShape {
    let { inputs, outputs } = shape;
    for (const [at, loss] of losses.entries()) {
      const removed = this.#sites[at]!.group.size - widths[at]!;
      inputs -= loss.inputs * removed;
      outputs -= loss.outputs * removed;
    }
    return withChannels(shape, inputs, outputs);
  }
}

const half = ({ size }: Site["group"]): number => Math.floor(size / 2);

/** The layers' shapes when the site has half of its units. */
function thinnedShapes(model: Model, { group }: Site): Map<string, LayerShape> {
  const keep = Array.from({ length: half(group) }, (_, unit) => unit);
  const layers = layerShapes(removeChannels(model, [{ group, keep }]));
  return new Map(layers.map(({ output, shape }) => [output, shape]));
}

const lossOf = (full: LayerShape, thinned: LayerShape, removed: number): Loss => ({
  inputs: (full.inputs - thinned.inputs) / removed,
  outputs: (full.outputs - thinned.outputs) / removed,
});
