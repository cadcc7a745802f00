import { makeNode } from "./builder.ts";
import { copyModel, FreshNames } from "./edit.ts";
import type { Dim, Model, Node, Shape } from "./graph.ts";
import { isKnown, withDim } from "./operators/dims.ts";
import type { Inferred } from "./operators/index.ts";
import { liftConstants } from "./rewrites/index.ts";
import { inferNode, inferValues } from "./shapes.ts";
import { int64, sizeOf, toNumbers } from "./tensor.ts";

/** The symbol of an open batch. */
export const batchSymbol = "batch";

/**
 * Makes the fixed batch on axis 0 of the inputs and outputs symbolic, and every constant in the graph that holds it:
 * targets of Reshape and Expand, and constants that Concat joins to images. Whether that was right must be proven.
 */
export function openBatch(model: Model): Model {
  const lifted = liftConstants(model);
  return new BatchOpener(lifted).run();
}

/** Walks the graph once, knowing every value's shape at the fixed batch and at the symbolic one. */
class BatchOpener {
  readonly #model: Model;
  readonly #batch: number;
  readonly #names: FreshNames;
  readonly #fixed: ReadonlyMap<string, Inferred>;
  readonly #open: Map<string, Inferred>;

  constructor(model: Model) {
    this.#fixed = inferValues(model, { lenient: true });
    this.#model = copyModel(model);
    const batch = model.graph.inputs[0]?.shape?.[0];
    this.#batch = isKnown(batch) ? batch : 1;
    this.#names = new FreshNames(model.graph);
    const { graph } = this.#model;
    graph.values = new Map();
    graph.inputs = graph.inputs.map((input) => ({ ...input, shape: withOpenBatch(input.shape) }));
    this.#open = inferValues({ ...this.#model, graph: { ...graph, nodes: [], outputs: [] } });
  }

  run(): Model {
    const { graph } = this.#model;
    const nodes = graph.nodes;
    graph.nodes = [];
    for (const node of nodes) {
      this.#adapt(node);
      this.#append(node);
    }
    graph.outputs = graph.outputs.map((output) => ({
      ...output,
      shape: withOpenBatch(this.#open.get(output.name)?.shape ?? output.shape),
    }));
    return this.#model;
  }

  #append(node: Node): void {
    this.#model.graph.nodes.push(node);
    const outputs = inferNode(node, this.#model.opset, this.#open, true);
    for (const [at, name] of node.outputs.entries()) if (outputs?.[at]) this.#open.set(name, outputs[at]);
  }

  #adapt(node: Node): void {
    if (node.domain !== "") return;
    if (node.op === "Reshape") this.#openReshape(node);
    if (node.op === "Expand") this.#openExpand(node);
    if (node.op === "Concat") this.#repeatConstants(node);
  }

  /** Writes -1 at the axis of the target that holds the batch, and numbers elsewhere. */
  #openReshape(node: Node): void {
    const data = node.inputs[0]!;
    const axis = this.#batchAxis(data);
    const from = numbers(this.#fixed.get(data)?.shape);
    const to = numbers(this.#fixed.get(node.outputs[0]!)?.shape);
    const target = this.#constant(node.inputs[1]!);
    if (axis === undefined || target === undefined || from === undefined || to === undefined) return;
    const at = this.#alignedAxis(from, axis, to);
    if (at === undefined || target[at] === -1 || (target[at] === 0 && at === axis)) return;
    this.#replace(node, 1, withDim(to, at, -1) as number[], "shape");
  }

  /** The axis of `to` that begins where `axis` of `from` begins, and can hold the batch. */
  #alignedAxis(from: readonly number[], axis: number, to: readonly number[]): number | undefined {
    const before = sizeOf(from.slice(0, axis));
    const at = to.findIndex((dim, at) => sizeOf(to.slice(0, at)) === before && dim % this.#batch === 0);
    return at < 0 ? undefined : at;
  }

  /** An axis that already holds the batch is not expanded. */
  #openExpand(node: Node): void {
    const shape = this.#open.get(node.inputs[0]!)?.shape;
    const target = this.#constant(node.inputs[1]!);
    if (shape === undefined || target === undefined || this.#batchAxis(node.inputs[0]!) === undefined) return;
    const skip = target.length - shape.length;
    const kept = target.map((dim, axis) => (axis >= skip && !isKnown(shape[axis - skip]) ? 1 : dim));
    this.#replace(node, 1, kept, "shape");
  }

  /** A constant of batch 1 (a class token, say) that is joined to images is repeated for each of them. */
  #repeatConstants(node: Node): void {
    const leader = node.inputs.find((input) => this.#batchAxis(input) === 0);
    if (leader === undefined) return;
    node.inputs = node.inputs.map((input) => {
      const shape = this.#open.get(input)?.shape;
      return shape?.[0] === 1 ? this.#repeat(input, shape.length, leader) : input;
    });
  }

  /** Adds the nodes that expand `value` to the batch of `leader`. */
  #repeat(value: string, rank: number, leader: string): string {
    const name = (hint: string): string => this.#names.take(`${value}_${hint}`);
    const [shape, batch, target, result] = [name("shape"), name("batch"), name("target"), name("repeated")];
    const zero = this.#store([0], `${value}_zero`);
    const ones = this.#store(Array(rank - 1).fill(1), `${value}_ones`);
    this.#append(makeNode("Shape", [leader], [shape]));
    this.#append(makeNode("Gather", [shape, zero], [batch]));
    this.#append(makeNode("Concat", [batch, ones], [target], { axis: 0 }));
    this.#append(makeNode("Expand", [value, target], [result]));
    return result;
  }

  /** The first axis of a value whose size depends on the batch. */
  #batchAxis(value: string): number | undefined {
    const open = this.#open.get(value)?.shape;
    const fixed = this.#fixed.get(value)?.shape;
    const axis = open?.findIndex((dim, at) => !isKnown(dim) && (fixed === undefined || isKnown(fixed[at]))) ?? -1;
    return axis < 0 ? undefined : axis;
  }

  #constant(name: string): number[] | undefined {
    const tensor = this.#model.graph.constants.get(name);
    return tensor && toNumbers(tensor);
  }

  #replace(node: Node, input: number, values: readonly number[], hint: string): void {
    node.inputs = node.inputs.with(input, this.#store(values, `${node.outputs[0]}_${hint}`));
  }

  #store(values: readonly number[], hint: string): string {
    const name = this.#names.take(hint);
    const tensor = int64(values);
    this.#model.graph.constants.set(name, tensor);
    this.#open.set(name, { type: "int64", shape: tensor.dims, elements: values });
    return name;
  }
}

const withOpenBatch = (shape: Shape): Shape => shape?.map((dim: Dim, axis) => (axis === 0 ? batchSymbol : dim));

const numbers = (shape: Shape): readonly number[] | undefined => (shape?.every(isKnown) ? shape : undefined);
