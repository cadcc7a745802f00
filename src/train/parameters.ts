import { type Graph, type GraphBuilder, int64, type Model, makeNode, sizeOf, type Tensor } from "../onnx/index.ts";

/** A trainable constant, and where it lies in the flat vector of all parameters. */
export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
  readonly offset: number;
  readonly size: number;
  /** Whether weight decay applies: to weights, but neither to biases nor to normalisation. */
  readonly decays: boolean;
}

/** Which inputs of an operator are trainable, by position. */
const trainableInputs: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  Gemm: [1, 2],
  MatMul: [1],
  BatchNormalization: [1, 2],
  LearnedStep: [0, 1],
  TernaryWeights: [0, 1, 2],
};

/** The trainable constants of a graph but for the frozen ones, in the order of the nodes that use them. */
export function parametersOf(graph: Graph, frozen: readonly string[] = []): Parameter[] {
  const names = new Set(
    graph.nodes.flatMap((node) =>
      (trainableInputs[node.op] ?? []).map((i) => node.inputs[i] ?? "").filter((name) => isTrainable(graph, name)),
    ),
  );
  for (const name of frozen) names.delete(name);
  let offset = 0;
  return [...names].map((name) => {
    const { dims } = graph.constants.get(name)!;
    const parameter = { name, dims, offset, size: sizeOf(dims), decays: dims.length > 1 };
    offset += parameter.size;
    return parameter;
  });
}

const isTrainable = (graph: Graph, name: string): boolean => graph.constants.get(name)?.type === "float32";

/** Number of elements of all parameters. */
export const totalSize = (parameters: readonly Parameter[]): number =>
  parameters.reduce((sum, parameter) => sum + parameter.size, 0);

/** The constants of `model` as one flat vector. */
export function flatten(model: Model, parameters: readonly Parameter[]): Float32Array {
  const flat = new Float32Array(totalSize(parameters));
  for (const { name, offset } of parameters) flat.set(model.graph.constants.get(name)!.data as Float32Array, offset);
  return flat;
}

/** A copy of `model` whose constants come from the flat vector. */
export function unflatten(model: Model, parameters: readonly Parameter[], flat: Float32Array): Model {
  const trained = parameters.map(({ name, dims, offset, size }): [string, Tensor] => [
    name,
    { type: "float32", dims, data: flat.slice(offset, offset + size) },
  ]);
  return { ...model, graph: { ...model.graph, constants: new Map([...model.graph.constants, ...trained]) } };
}

/** Cuts the flat vector `flat` into values that bear the parameters' names. */
export function emitSplit(b: GraphBuilder, flat: string, parameters: readonly Parameter[]): void {
  const pieces = emitPieces(b, flat, parameters);
  parameters.forEach(({ name, dims }, i) => {
    b.graph.nodes.push(makeNode("Reshape", [pieces[i]!, b.constant(int64(dims))], [name]));
  });
}

/** Cuts a flat vector into one flat value for each parameter. */
export function emitPieces(b: GraphBuilder, flat: string, parameters: readonly Parameter[]): string[] {
  const sizes = b.constant(int64(parameters.map((parameter) => parameter.size)));
  return b.ops("Split", [flat, sizes], parameters.length, { axis: 0 }, "piece");
}

/**
 * Joins the gradients of all parameters to one flat vector; zeros where the loss does not depend on a parameter.
 *
 * ONNX Runtime works back from the last node, and of several inputs it computes the youngest first: the last layer's piece.
 * So each weight gradient is computed as soon as it can be, and what it reads is freed. Pieces come by Flatten, since the
 * runtime merges a Reshape with the one before it into a younger node.
 */
export function emitJoin(
  b: GraphBuilder,
  parameters: readonly Parameter[],
  gradients: ReadonlyMap<string, string>,
): string {
  const pieces = parameters.map(({ name, size }) => {
    const gradient = gradients.get(name);
    if (gradient === undefined) return b.constant({ type: "float32", dims: [1, size], data: new Float32Array(size) });
    return b.op("Flatten", [gradient], { axis: 0 });
  });
  return b.op("Reshape", [b.op("Concat", pieces, { axis: 1 }), b.constant(int64([totalSize(parameters)]))]);
}
