import { ModelError } from "../../errors.ts";
import {
  type Dim,
  floatAttribute,
  intAttribute,
  intsAttribute,
  type Node,
  type Shape,
  stringAttribute,
} from "../graph.ts";
import { type ElementType, sizeOf, type Tensor, toNumbers } from "../tensor.ts";
import { isKnown } from "./dims.ts";

/** What is known of a value without running the graph. */
export interface Inferred {
  readonly type: ElementType;
  readonly shape: Shape;
  /** The elements of a small tensor, row-major: graphs compute shapes with them. */
  readonly elements?: readonly Dim[] | undefined;
}

/** All that is known of an operator. */
export interface Operator {
  /** Types and shapes of the outputs, in the node's order. Throws ModelError for inputs that the operator refuses. */
  readonly infer: (context: NodeContext) => Inferred[];
  /** Multiply-accumulates of one run; absent for an operator that does none. Undefined where a size is unknown. */
  readonly macs?: (context: CostContext) => number | undefined;
}

/** Operators by name; those of a domain other than the standard's own as `domain.name`. */
export type OperatorTable = Readonly<Record<string, Operator>>;

/** Larger tensors are data, not shapes: their elements are not followed. */
const maxElements = 256;
/** A Split may have an output for each weight of a network, whose sizes are integers. */
const maxIntegers = 2 ** 14;

/** What is known of a constant. */
export function inferredConstant(tensor: Tensor): Inferred {
  const { type, dims } = tensor;
  const most = type === "int64" ? maxIntegers : maxElements;
  return { type, shape: dims, elements: sizeOf(dims) <= most ? toNumbers(tensor) : undefined };
}

/** A node with what is known of its inputs. */
export class NodeContext {
  readonly node: Node;
  readonly opset: number;
  readonly inputs: readonly (Inferred | undefined)[];

  constructor(node: Node, opset: number, inputs: readonly (Inferred | undefined)[]) {
    this.node = node;
    this.opset = opset;
    this.inputs = inputs;
  }

  /** A required input. */
  input(index: number): Inferred {
    return this.inputs[index] ?? this.fail(`input ${index} is missing`);
  }

  /** An input that may be omitted. */
  optional(index: number): Inferred | undefined {
    return this.inputs[index];
  }

  /** The inputs that are not omitted. */
  get given(): readonly Inferred[] {
    return this.inputs.filter((input) => input !== undefined);
  }

  /** A required input's rank, undefined when unknown. */
  rank(index: number): number | undefined {
    return this.input(index).shape?.length;
  }

  /** The elements of an input as integers; undefined when it is omitted or not all are known. */
  integers(index: number): readonly number[] | undefined {
    const elements = this.optional(index)?.elements;
    return elements?.every(isKnown) ? elements : undefined;
  }

  int(name: string, fallback: number): number {
    return intAttribute(this.node, name, fallback);
  }

  float(name: string, fallback: number): number {
    return floatAttribute(this.node, name, fallback);
  }

  ints(name: string, fallback: readonly number[]): readonly number[] {
    return intsAttribute(this.node, name, fallback);
  }

  string(name: string, fallback: string): string {
    return stringAttribute(this.node, name, fallback);
  }

  has(name: string): boolean {
    return this.node.attributes.has(name);
  }

  /** A list of integers that older operator sets write as an attribute and newer ones as an input. */
  axes(name: string, input: number): readonly number[] | undefined {
    return this.has(name) ? this.ints(name, []) : this.integers(input);
  }

  /** An axis counted from the front, where the standard allows negative ones. */
  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis;
    if (positive < 0 || positive >= rank) this.fail(`axis ${axis} is beyond rank ${rank}`);
    return positive;
  }

  /** Throws a ModelError that names the node. */
  fail(problem: string): never {
    throw new ModelError(`node "${this.node.name}" (${this.node.op}): ${problem}`);
  }
}

/** A node whose outputs are known too. */
export class CostContext extends NodeContext {
  readonly outputs: readonly (Inferred | undefined)[];

  constructor(
    node: Node,
    opset: number,
    inputs: readonly (Inferred | undefined)[],
    outputs: readonly (Inferred | undefined)[],
  ) {
    super(node, opset, inputs);
    this.outputs = outputs;
  }

  /** Number of elements of the first output, undefined when a size is unknown. */
  get outputSize(): number | undefined {
    const shape = this.outputs[0]?.shape;
    return shape?.every(isKnown) ? sizeOf(shape) : undefined;
  }
}

/** An operator whose output has the first input's type and shape. */
export const sameAsInput: Operator = {
  infer: (context) => [{ type: context.input(0).type, shape: context.input(0).shape }],
};
