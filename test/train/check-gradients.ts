import {
  float32,
  GraphBuilder,
  inferValues,
  type Model,
  ModelRunner,
  modelOf,
  sizeOf,
  type Tensor,
  type Tensors,
} from "../../src/onnx/index.ts";
import { differentiate } from "../../src/train/differentiate.ts";

const opset = 20;

/** A graph under test: inputs of fixed shapes, one output. */
export interface Case {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Elements come from here; default -1..1. */
  readonly range?: readonly [number, number];
  /** Inputs to differentiate by; default all. */
  readonly by?: readonly string[];
  build(b: GraphBuilder): string;
}

/** Numbers in a range, reproducible. */
export function numbers(seed: number, [low, high]: readonly [number, number] = [-1, 1]): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return low + ((high - low) * (state >>> 0)) / 2 ** 32;
  };
}

export function tensor(dims: readonly number[], next: () => number): Tensor {
  return float32(Float32Array.from({ length: sizeOf(dims) }, next), dims);
}

/**
 * Differentiates `sum(upstream * output)` by every input, and compares with central differences along `directions`
 * random directions, or along every axis when `directions` is absent.
 *
 * @returns the largest deviation, relative to the largest derivative
 */
export async function gradientError(test: Case, seed: number, directions?: number): Promise<number> {
  const random = numbers(seed);
  const inputs = new Map(
    Object.entries(test.inputs).map(([name, dims], i) => [name, tensor(dims, numbers(seed + 31 * i, test.range))]),
  );
  const by = test.by ?? [...inputs.keys()];
  const { forward, backward, outputDims } = graphs(test, by);
  const upstream = tensor(outputDims, random);
  await using forwardRunner = await ModelRunner.open(forward);
  await using backwardRunner = await ModelRunner.open(backward);
  const gradients = await backwardRunner.run(new Map([...inputs, ["upstream", upstream]]));
  let [deviation, scale] = [0, 0];
  for (const name of by) {
    const gradient = gradients.get(`d/${name}`)!;
    const value = inputs.get(name)!;
    if (gradient.dims.join() !== value.dims.join())
      throw new Error(`gradient of ${name} has shape ${gradient.dims.join()}`);
    for (const direction of directionsOf(value, random, directions)) {
      const expected = await slope(forwardRunner, inputs, name, direction, upstream);
      const received = dot(gradient, direction);
      deviation = Math.max(deviation, Math.abs(expected - received));
      scale = Math.max(scale, Math.abs(expected));
    }
  }
  return deviation / Math.max(scale, 1e-2);
}

/** The graph itself, and the graph that computes its gradients. */
function graphs(test: Case, by: readonly string[]): { forward: Model; backward: Model; outputDims: readonly number[] } {
  const forward = new GraphBuilder("forward");
  for (const [name, dims] of Object.entries(test.inputs)) forward.input(name, "float32", dims);
  const output = test.build(forward);
  forward.output(output, "float32", undefined);
  const outputDims = inferValues(modelOf(forward.graph, opset)).get(output)!.shape as number[];

  const b = new GraphBuilder("backward");
  for (const [name, dims] of Object.entries(test.inputs)) b.input(name, "float32", dims);
  const result = test.build(b);
  const weighted = b.op("Mul", [result, b.input("upstream", "float32", outputDims)]);
  const loss = b.op("ReduceSum", [weighted], { keepdims: 0 });
  const shapes = new Map(
    [...inferValues(modelOf(b.graph, opset))].map(([name, { shape }]) => [name, shape as readonly number[]]),
  );
  const gradients = differentiate(b, shapes, loss, by);
  for (const name of by) b.output(gradients.get(name)!, "float32", undefined, `d/${name}`);
  return { forward: modelOf(forward.graph, opset), backward: modelOf(b.graph, opset), outputDims };
}

function directionsOf(value: Tensor, random: () => number, count: number | undefined): Tensor[] {
  if (count !== undefined) return Array.from({ length: count }, () => tensor(value.dims, random));
  return Array.from({ length: value.data.length }, (_, axis) => {
    let at = 0;
    return tensor(value.dims, () => (at++ === axis ? 1 : 0));
  });
}

/** The central difference of `sum(upstream * output)` along a direction, summed in double precision. */
async function slope(runner: ModelRunner, inputs: Tensors, name: string, direction: Tensor, upstream: Tensor) {
  const norm = Math.sqrt(dot(direction, direction));
  const step = 4e-3 / norm;
  const value = inputs.get(name)!.data as Float32Array;
  const along = (sign: number) => value.map((x, i) => x + sign * step * (direction.data as Float32Array)[i]!);
  const [ahead, behind] = [along(1), along(-1)];
  const at = async (data: Float32Array): Promise<Tensor> => {
    const moved = new Map([...inputs, [name, { ...inputs.get(name)!, data }]]);
    return [...(await runner.run(moved)).values()][0]!;
  };
  const difference = dot(upstream, await at(ahead)) - dot(upstream, await at(behind));
  return difference / (2 * step);
}

function dot(left: Tensor, right: Tensor): number {
  const [a, b] = [left.data as Float32Array, right.data as Float32Array];
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
