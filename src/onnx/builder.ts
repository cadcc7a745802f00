import { type Attribute, attr, emptyGraph, type Graph, type Node, type Shape } from "./graph.ts";
import type { ElementType, Tensor } from "./tensor.ts";

/** What may be written for an attribute: integers and floats are told apart by `attr`, bare numbers are integers. */
export type AttributeInput = Attribute | number | string | readonly number[];

/**
 * Writes a graph node by node; every call returns the name of the value it made.
 *
 * @example
 * const b = new GraphBuilder("relu");
 * const x = b.input("x", "float32", ["N", 3]);
 * b.output(b.op("Relu", [x]), "float32", ["N", 3], "y");
 */
export class GraphBuilder {
  readonly graph: Graph;
  readonly #taken = new Set<string>();

  constructor(name: string) {
    this.graph = emptyGraph(name);
  }

  /** Declares a graph input. */
  input(name: string, type: ElementType, shape: Shape): string {
    this.graph.inputs.push({ name, type, shape });
    return this.#take(name);
  }

  /** Stores a constant under a fresh name that starts with `hint`. */
  constant(tensor: Tensor, hint = "constant"): string {
    const name = this.fresh(hint);
    this.graph.constants.set(name, tensor);
    return name;
  }

  /** Applies an operator with one output. */
  op(op: string, inputs: readonly string[], attributes: Record<string, AttributeInput> = {}, hint = op): string {
    return this.ops(op, inputs, 1, attributes, hint)[0]!;
  }

  /** Applies an operator with `count` outputs. */
  ops(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Record<string, AttributeInput> = {},
    hint = op,
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.fresh(hint));
    this.graph.nodes.push(makeNode(op, inputs, outputs, attributes));
    return outputs;
  }

  /** Declares `value` a graph output, renamed to `name` by an Identity when given. */
  output(value: string, type: ElementType, shape: Shape, name = value): void {
    if (name !== value) this.graph.nodes.push(makeNode("Identity", [value], [this.#take(name)]));
    this.graph.outputs.push({ name, type, shape });
  }

  /** A value name that is not in use. */
  fresh(hint: string): string {
    let name = hint;
    for (let i = 1; this.#taken.has(name); i++) name = `${hint}_${i}`;
    return this.#take(name);
  }

  #take(name: string): string {
    this.#taken.add(name);
    return name;
  }
}

/** A node named after its first output. */
export function makeNode(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Record<string, AttributeInput> = {},
): Node {
  const entries = Object.entries(attributes).map(([key, value]) => [key, toAttribute(value)] as const);
  return {
    name: outputs[0]!,
    op,
    domain: "",
    inputs: [...inputs],
    outputs: [...outputs],
    attributes: new Map(entries),
  };
}

function toAttribute(value: AttributeInput): Attribute {
  if (typeof value === "number") return attr.int(value);
  if (typeof value === "string") return attr.string(value);
  return Array.isArray(value) ? attr.ints(value as readonly number[]) : (value as Attribute);
}
