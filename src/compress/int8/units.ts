import { consumers, floatAttribute, type Graph, intAttribute, type Model, type Node } from "../../onnx/index.ts";
import { answerNodes } from "./answer-nodes.ts";
import { isLinear, movementOperators, outputAxis, tableOperators } from "./operators.ts";

/**
 * How a node computes in integers:
 * - `linear`: integer products of an activation and constant weights
 * - `table`: integer kernels with ranges of their own at every input and at the output
 * - `movement`: picks, moves or pads codes, so that input and output share one range
 */
export type Role = "linear" | "table" | "movement";

/** A node that may compute in integers. */
export interface Unit {
  readonly node: Node;
  readonly role: Role;
  /** The activations that it reads. */
  readonly inputs: readonly string[];
  /** A Relu or Clip behind it, which the range of the output does the work of. */
  readonly activation: Node | undefined;
  /** What it makes, after the activation. */
  readonly output: string;
  /** Output channels of a linear node; 0 for others. */
  readonly channels: number;
}

/** A node that stays float32, and why. */
export interface FloatNode {
  readonly node: Node;
  readonly reason: string;
}

/** Which nodes may compute in integers, and why the others may not. */
export interface Units {
  readonly units: readonly Unit[];
  readonly float: readonly FloatNode[];
}

/**
 * Finds the nodes that may compute in integers: convolutions and matrix products with constant weights, and the nodes
 * that pass their results on. Those that give the answers are not among them, but for matrix products.
 *
 * @param excluded names of nodes that stay float32, with the reason
 */
export function findUnits(model: Model, excluded: ReadonlyMap<string, string> = new Map()): Units {
  const { graph } = model;
  const answering = answerNodes(graph).map(({ name }) => [name, "it gives the answers, which stay float32"] as const);
  const finder = new UnitFinder(graph, new Map([...answering, ...excluded]));
  for (const node of graph.nodes) finder.visit(node);
  return { units: finder.units, float: finder.float };
}

class UnitFinder {
  readonly units: Unit[] = [];
  readonly float: FloatNode[] = [];
  readonly #graph: Graph;
  readonly #excluded: ReadonlyMap<string, string>;
  readonly #readers: Map<string, Node[]>;
  readonly #outputs: Set<string>;
  /** Values that units make. */
  readonly #integer = new Set<string>();
  readonly #absorbed = new Set<Node>();

  constructor(graph: Graph, excluded: ReadonlyMap<string, string>) {
    this.#graph = graph;
    this.#excluded = excluded;
    this.#readers = consumers(graph);
    this.#outputs = new Set(graph.outputs.map((output) => output.name));
  }

  visit(node: Node): void {
    if (this.#absorbed.has(node)) return;
    const role = this.#roleOf(node);
    if (typeof role !== "string") {
      this.float.push({ node, reason: role.reason });
      return;
    }
    const activation = role === "movement" ? undefined : this.#activationBehind(node);
    if (activation !== undefined) this.#absorbed.add(activation);
    const output = (activation ?? node).outputs[0]!;
    this.#integer.add(output);
    const channels = role === "linear" ? this.#graph.constants.get(node.inputs[1]!)!.dims[outputAxis(node)]! : 0;
    this.units.push({ node, role, inputs: this.#activationsOf(node, role), activation, output, channels });
  }

  #roleOf(node: Node): Role | { reason: string } {
    const given = this.#excluded.get(node.name);
    if (given !== undefined) return { reason: given };
    if (node.domain !== "") return { reason: `operators of the domain "${node.domain}" are not quantised` };
    if (isLinear(node)) return this.#linearRole(node);
    const role = tableOperators.has(node.op) ? "table" : movementOperators.has(node.op) ? "movement" : undefined;
    if (role === undefined) return { reason: "the operator has no integer kernel" };
    if (!this.#activationsOf(node, role).some((name) => this.#integer.has(name))) {
      return { reason: "none of its inputs is quantised" };
    }
    return this.#limits(node) ?? role;
  }

  #linearRole(node: Node): Role | { reason: string } {
    if (!this.#isFloat(node.inputs[1])) return { reason: "its weights are not a float32 constant" };
    if (node.inputs[2] && !this.#isFloat(node.inputs[2])) return { reason: "its bias is not a float32 constant" };
    if (this.#graph.constants.has(node.inputs[0]!)) return { reason: "it reads constants only" };
    return this.#limits(node) ?? "linear";
  }

  /** What the integer kernels of an operator cannot do. */
  #limits(node: Node): { reason: string } | undefined {
    if (node.op === "Gemm" && !isPlainGemm(node)) return { reason: "alpha, beta or transA is not the default" };
    if (node.op === "Gemm" && node.inputs[2] && this.#graph.constants.get(node.inputs[2])?.dims.length !== 1) {
      return { reason: "its bias is not one value a column" };
    }
    if (node.op === "MatMul" && this.#graph.constants.get(node.inputs[1]!)?.dims.length !== 2) {
      return { reason: "its weights are not a matrix" };
    }
    const constants = node.inputs.flatMap((name) => this.#graph.constants.get(name) ?? []);
    if (tableOperators.has(node.op) && constants.some(({ type }) => type !== "float32")) {
      return { reason: "it reads a constant that is not float32" };
    }
    if (node.op === "MaxPool" && node.outputs.length > 1) return { reason: "it gives indices" };
    if (node.op === "Pad" && !padsZeros(this.#graph, node)) return { reason: "it pads something else than zeros" };
    return undefined;
  }

  #isFloat(name: string | undefined): boolean {
    return this.#graph.constants.get(name ?? "")?.type === "float32";
  }

  #activationsOf(node: Node, role: Role): string[] {
    return role === "table" ? node.inputs : node.inputs.slice(0, 1);
  }

  /** The Relu or Clip that alone reads the node's output, and that a range of codes starting at zero replaces. */
  #activationBehind(node: Node): Node | undefined {
    const [output] = node.outputs as [string];
    const [reader, ...others] = this.#readers.get(output) ?? [];
    if (reader === undefined || others.length > 0 || this.#outputs.has(output)) return undefined;
    return reader.domain === "" && this.#startsAtZero(reader) && !this.#excluded.has(reader.name) ? reader : undefined;
  }

  #startsAtZero(node: Node): boolean {
    if (node.op === "Relu") return true;
    const low = this.#graph.constants.get(node.inputs[1] ?? "");
    return node.op === "Clip" && low !== undefined && Number(low.data[0]) === 0;
  }
}

const isPlainGemm = (node: Node): boolean =>
  floatAttribute(node, "alpha", 1) === 1 &&
  floatAttribute(node, "beta", 1) === 1 &&
  intAttribute(node, "transA", 0) === 0;

function padsZeros(graph: Graph, node: Node): boolean {
  const mode = node.attributes.get("mode");
  const value = graph.constants.get(node.inputs[2] ?? "");
  const constant = mode === undefined || (mode.kind === "string" && mode.value === "constant");
  return constant && (!node.inputs[2] || (value !== undefined && Number(value.data[0]) === 0));
}
