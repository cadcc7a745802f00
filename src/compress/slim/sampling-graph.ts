import { ModelError } from "../../errors.ts";
import {
  copyModel,
  GraphBuilder,
  inferValues,
  int64,
  type Model,
  removeDeadNodes,
  renameValue,
  type Shape,
} from "../../onnx/index.ts";
import { type FittedLayer, type Geometry, geometryOf } from "./layers.ts";
import type { Fit } from "./sites.ts";

/** Where samples of one layer are taken, as the graph's inputs say it. */
export interface Sampler {
  /** The graph's output: A'A, with A the rows [inputs, targets, |value|^2, 1] of the samples. */
  readonly output: string;
  readonly fit: Fit;
  /** Output positions of an image; 1 for a vector. */
  readonly positions: number;
  /** Inputs to feed for the positions that were drawn; none where there is but one. */
  readonly indices: (drawn: readonly number[]) => [name: string, values: number[]][];
}

/** A graph that runs original and compressed network on the same images, and gives the sums that fits need. */
export interface SamplingGraph {
  readonly model: Model;
  readonly samplers: readonly Sampler[];
}

const prefix = "original:";

/**
 * Writes the graph that samples the inputs of layers of the compressed network and their targets in the original. Only
 * the drawn positions are gathered (im2col by one Gather), and one matrix product sums them up.
 */
export function samplingGraph(original: Model, compressed: Model, fits: readonly Fit[]): SamplingGraph {
  const b = new GraphBuilder("samples");
  const same = original === compressed;
  const parts = same ? [compressed] : [renamed(original), compressed];
  for (const { graph } of parts) {
    b.graph.nodes.push(...graph.nodes);
    for (const [name, tensor] of graph.constants) b.graph.constants.set(name, tensor);
  }
  b.graph.inputs.push(...compressed.graph.inputs);
  const shapes = inferValues(compressed, { lenient: true });
  const shapeOf = (name: string): Shape => shapes.get(name)?.shape;
  const writer = new SamplerWriter(b, compressed, shapeOf, same ? "" : prefix);
  const samplers = fits.map((fit, at) => writer.write(fit, at));
  return { model: removeDeadNodes({ ...compressed, graph: b.graph }), samplers };
}

/** The original with other names for all but its input. */
function renamed(model: Model): Model {
  const result = copyModel(model);
  const inputs = new Set(result.graph.inputs.map(({ name }) => name));
  const names = [...result.graph.constants.keys(), ...result.graph.nodes.flatMap(({ outputs }) => outputs)];
  for (const name of names) if (name !== "" && !inputs.has(name)) renameValue(result.graph, name, prefix + name);
  for (const node of result.graph.nodes) node.name = prefix + node.name;
  return result;
}

class SamplerWriter {
  readonly #b: GraphBuilder;
  readonly #model: Model;
  readonly #shapeOf: (name: string) => Shape;
  readonly #prefix: string;

  constructor(b: GraphBuilder, model: Model, shapeOf: (name: string) => Shape, originalPrefix: string) {
    this.#b = b;
    this.#model = model;
    this.#shapeOf = shapeOf;
    this.#prefix = originalPrefix;
  }

  write(fit: Fit, at: number): Sampler {
    const { layer } = fit;
    const places = layer.kind === "conv" ? this.#convolution(layer) : this.#dense(layer);
    const [taps, spots] = [`sample:${at}:taps`, `sample:${at}:positions`];
    if (places.gathers) for (const name of [taps, spots]) this.#b.input(name, "int64", [undefined]);
    const samples = places.samples(taps);
    const value = places.targets(this.#prefix + fit.target.value, spots);
    const { shortcut } = fit.target;
    const targets = shortcut === undefined ? value : this.#op("Sub", [value, places.targets(shortcut, spots)]);
    const output = `sample:${at}`;
    this.#b.output(this.#gram([samples, targets, this.#squares(value)]), "float32", [undefined, undefined], output);
    const indices = (drawn: readonly number[]): [string, number[]][] =>
      places.gathers
        ? [
            [taps, places.tapsOf(drawn)],
            [spots, [...drawn]],
          ]
        : [];
    return { output, fit, positions: places.positions, indices };
  }

  /** The sum of squares of each row. */
  #squares(rows: string): string {
    return this.#op("ReduceSum", [this.#op("Mul", [rows, rows]), this.#constant([1])], { keepdims: 1 });
  }

  /** A'A, with A the given columns and one of ones */
  #gram(columns: readonly string[]): string {
    const last = columns.at(-1)!;
    const ones = this.#op("Exp", [this.#op("Sub", [last, last])]);
    const rows = this.#op("Concat", [...columns, ones], { axis: 1 });
    return this.#op("MatMul", [this.#op("Transpose", [rows], { perm: [1, 0] }), rows]);
  }

  #convolution({ node, outputs, taps: tapCount, columns }: FittedLayer): Places {
    const [input, weights] = node.inputs as [string, string];
    const geometry = geometryOf(node, this.#model.graph.constants.get(weights)!);
    const channels = columns / tapCount;
    const [height, width] = spatial(this.#shapeOf(input), node.name);
    const [outHeight, outWidth] = spatial(this.#shapeOf(node.outputs[0]!), node.name);
    const [top, left, bottom, right] = geometry.pads;
    const paddedWidth = width + left + right;
    const area = (height + top + bottom) * paddedWidth;
    return {
      positions: outHeight * outWidth,
      gathers: true,
      samples: (taps) => {
        const padded = this.#op("Pad", [input, this.#constant([0, 0, top, left, 0, 0, bottom, right])]);
        const flat = this.#reshape(padded, [0, channels, area]);
        const picked = this.#reshape(this.#op("Gather", [flat, taps], { axis: 2 }), [0, channels, -1, tapCount]);
        return this.#reshape(this.#op("Transpose", [picked], { perm: [0, 2, 1, 3] }), [-1, columns]);
      },
      targets: (value, spots) => {
        const flat = this.#reshape(value, [0, outputs, outHeight * outWidth]);
        const picked = this.#op("Gather", [flat, spots], { axis: 2 });
        return this.#reshape(this.#op("Transpose", [picked], { perm: [0, 2, 1] }), [-1, outputs]);
      },
      tapsOf: (drawn) => drawn.flatMap((position) => tapsAt(position, outWidth, paddedWidth, geometry)),
    };
  }

  /** A vector for each image, or for each of several positions. */
  #dense({ node, columns, outputs }: FittedLayer): Places {
    const shape = this.#shapeOf(node.inputs[0]!)?.slice(1, -1) ?? [];
    const positions = shape.reduce<number>((product, dim) => product * known(dim, node.name), 1);
    const rows = (value: string, size: number, spots: string): string => {
      if (positions === 1) return this.#reshape(value, [-1, size]);
      const flat = this.#reshape(value, [0, positions, size]);
      return this.#reshape(this.#op("Gather", [flat, spots], { axis: 1 }), [-1, size]);
    };
    return {
      positions,
      gathers: positions > 1,
      samples: (taps) => rows(node.inputs[0]!, columns, taps),
      targets: (value, spots) => rows(value, outputs, spots),
      tapsOf: (drawn) => [...drawn],
    };
  }

  #op(op: string, inputs: readonly string[], attributes: Parameters<GraphBuilder["op"]>[2] = {}): string {
    return this.#b.op(op, inputs, attributes, `sample:${op}`);
  }

  #constant(values: readonly number[]): string {
    return this.#b.constant(int64(values), "sample:constant");
  }

  #reshape(value: string, dims: readonly number[]): string {
    return this.#op("Reshape", [value, this.#constant(dims)]);
  }
}

/** How rows of samples and targets are taken at the positions that inputs of the graph name. */
interface Places {
  readonly positions: number;
  /** Whether positions have to be named. */
  readonly gathers: boolean;
  samples(taps: string): string;
  targets(value: string, spots: string): string;
  tapsOf(drawn: readonly number[]): number[];
}

/** Where the kernel reads for one output position, in the padded input laid flat. */
function tapsAt(position: number, outWidth: number, paddedWidth: number, geometry: Geometry): number[] {
  const { kernel, strides, dilations } = geometry;
  const [y, x] = [Math.floor(position / outWidth) * strides[0], (position % outWidth) * strides[1]];
  return Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => {
    const [row, column] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
    return (y + row * dilations[0]) * paddedWidth + x + column * dilations[1];
  });
}

const spatial = (shape: Shape, node: string): [number, number] => [known(shape?.[2], node), known(shape?.[3], node)];

function known(dim: number | string | undefined, node: string): number {
  if (typeof dim === "number") return dim;
  throw new ModelError(`node "${node}": its sizes are unknown; export the model with a fixed image size`);
}
