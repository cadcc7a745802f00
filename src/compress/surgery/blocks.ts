import { UsageError } from "../../errors.ts";
import {
  copyModel,
  inferShapes,
  inferValues,
  type Model,
  makeNode,
  type Node,
  producers,
  readsOf,
  removeDeadNodes,
  removeIdentity,
  type Shape,
} from "../../onnx/index.ts";

/** A residual block: y = x + f(x), with f computed from x alone and of x's shape. */
export interface ResidualBlock {
  /** The name of y: unique in the model. */
  readonly id: string;
  /** The model's own node that adds. */
  readonly add: Node;
  /** x */
  readonly input: string;
  /** f(x) */
  readonly branch: string;
  /** The nodes of f, in the order of the graph. */
  readonly nodes: readonly Node[];
}

/** The residual blocks of a model, in the order of the graph. A block may lie within the branch of another. */
export function residualBlocks(model: Model): ResidualBlock[] {
  const values = inferValues(model, { lenient: true });
  const sameShape = (a: string, b: string): boolean => isSame(values.get(a)?.shape, values.get(b)?.shape);
  return model.graph.nodes
    .filter((node) => node.op === "Add" && node.domain === "" && sameShape(node.inputs[0]!, node.inputs[1]!))
    .flatMap((add) => blockOf(model, add) ?? []);
}

/** An open batch is the same symbol on both sides; unknown sizes are not the same. */
const isSame = (a: Shape, b: Shape): boolean =>
  a !== undefined && a.length === b?.length && a.every((dim, axis) => dim !== undefined && dim === b[axis]);

function blockOf(model: Model, add: Node): ResidualBlock | undefined {
  const [first, second] = add.inputs as [string, string];
  for (const [input, branch] of [
    [first, second],
    [second, first],
  ] as const) {
    const nodes = nodesBetween(model, input, branch);
    if (nodes !== undefined) return { id: add.outputs[0]!, add, input, branch, nodes };
  }
  return undefined;
}

/** The nodes that compute `to` from `from` and constants; undefined when they need more, or do not need `from`. */
function nodesBetween({ graph }: Model, from: string, to: string): Node[] | undefined {
  const makers = producers(graph);
  const inside = new Set<Node>();
  const pending = [to];
  let reached = false;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === from) reached = true;
    if (name === from || graph.constants.has(name)) continue;
    const node = makers.get(name);
    if (node === undefined) return undefined;
    if (inside.has(node)) continue;
    inside.add(node);
    pending.push(...readsOf(node));
  }
  return reached && inside.size > 0 ? graph.nodes.filter((node) => inside.has(node)) : undefined;
}

/**
 * Removes a residual block: its sum becomes x, and what only its branch needed goes. Other blocks found in the given
 * model can be removed from the result, unless they hold this one.
 *
 * @throws UsageError for a block of another model
 */
export function removeBlock(model: Model, { id, branch }: ResidualBlock): Model {
  const result = copyModel(model);
  const { nodes } = result.graph;
  const at = nodes.findIndex(({ op, inputs, outputs }) => op === "Add" && outputs[0] === id && inputs.includes(branch));
  if (at < 0) {
    throw new UsageError(`block "${id}" is not of this model; find the blocks again after a change within them`);
  }
  const input = nodes[at]!.inputs.find((name) => name !== branch)!;
  nodes[at] = makeNode("Identity", [input], [id]);
  const clean = removeDeadNodes(removeIdentity(result));
  inferShapes(clean, { lenient: true });
  return clean;
}
