import { UnsupportedOperatorError, UsageError } from "../errors.ts";
import { makeNode } from "./builder.ts";
import { supportedOpsets } from "./check.ts";
import { copyModel, FreshNames } from "./edit.ts";
import {
  attr,
  type Graph,
  intAttribute,
  intsAttribute,
  type Model,
  type Node,
  type Shape,
  stringAttribute,
} from "./graph.ts";
import { inferValues } from "./shapes.ts";
import { int64, scalar, type Tensor } from "./tensor.ts";

/**
 * Rewrites a model for a newer operator set, so that it computes the same. A model that is new enough comes back as it is.
 *
 * @throws UnsupportedOperatorError for a node whose meaning the newer set cannot express
 */
export function raiseOpset(model: Model, target = 17): Model {
  if (target > supportedOpsets.newest) {
    throw new UsageError(`operator set ${target} is newer than ${supportedOpsets.newest}, the newest supported`);
  }
  if (model.opset >= target) return model;
  const result = copyModel(model);
  const ranks = new Map([...inferValues(model, { lenient: true })].map(([name, { shape }]) => [name, shape] as const));
  const names = new FreshNames(model.graph);
  for (let version = model.opset + 1; version <= target; version++) {
    upgradeGraph(new Upgrader(result.graph, names, ranks), version);
  }
  return { ...result, opset: target, irVersion: Math.max(model.irVersion, irVersionOf(target)) };
}

/** The oldest format version that may hold an operator set, by the standard's release table. */
function irVersionOf(opset: number): number {
  if (opset >= 25) return 13;
  if (opset >= 23) return opset - 12;
  return opset >= 21 ? 10 : opset >= 19 ? 9 : opset >= 15 ? 8 : 7;
}

/** A graph under rewriting. */
class Upgrader {
  readonly graph: Graph;
  readonly names: FreshNames;
  readonly shapes: ReadonlyMap<string, Shape>;

  constructor(graph: Graph, names: FreshNames, shapes: ReadonlyMap<string, Shape>) {
    this.graph = graph;
    this.names = names;
    this.shapes = shapes;
  }

  constant(node: Node, hint: string, tensor: Tensor): string {
    const name = this.names.take(`${node.outputs[0]}_${hint}`);
    this.graph.constants.set(name, tensor);
    return name;
  }
}

/** Changes a node to what it must be in the new version; returns the nodes to put in its place when there are more. */
type Upgrade = (node: Node, upgrader: Upgrader) => Node[] | undefined;

function upgradeGraph(upgrader: Upgrader, version: number): void {
  const { graph, names, shapes } = upgrader;
  graph.nodes = graph.nodes.flatMap((node) => {
    for (const attribute of node.attributes.values()) {
      if (attribute.kind === "graph") upgradeGraph(new Upgrader(attribute.value, names, shapes), version);
    }
    const upgrade = node.domain === "" ? upgrades[version]?.[node.op] : undefined;
    return upgrade?.(node, upgrader) ?? [node];
  });
}

/** Moves a list of integers from an attribute to an input. */
function listToInput(name: string, input = 1): Upgrade {
  return (node, upgrader) => {
    if (!node.attributes.has(name)) return undefined;
    const list = upgrader.constant(node, name, int64(intsAttribute(node, name, [])));
    node.attributes.delete(name);
    while (node.inputs.length < input) node.inputs.push("");
    node.inputs[input] = list;
    return undefined;
  };
}

/** The ratio becomes an input; it matters in training only. */
const dropout: Upgrade = (node, upgrader) => {
  const ratio = node.attributes.get("ratio");
  node.attributes.delete("ratio");
  if (ratio?.kind === "float") node.inputs[1] = upgrader.constant(node, "ratio", scalar(ratio.value));
  return undefined;
};

/** Until version 12 a softmax ran over all axes from `axis` on together, from 13 on over `axis` alone. */
const softmax: Upgrade = (node, upgrader) => {
  const axis = softmaxAxis(upgrader.shapes.get(node.inputs[0]!), intAttribute(node, "axis", 1));
  if (axis === undefined) return flattenedSoftmax(node, upgrader);
  node.attributes.set("axis", attr.int(axis));
  return undefined;
};

/** The one axis from `axis` on that is not of size 1; undefined when several may be. */
function softmaxAxis(shape: Shape, axis: number): number | undefined {
  if (shape === undefined) return axis === -1 ? axis : undefined;
  const first = axis < 0 ? axis + shape.length : axis;
  const wide = shape.flatMap((dim, at) => (at >= first && dim !== 1 ? [at] : []));
  return wide.length > 1 ? undefined : (wide[0] ?? shape.length - 1);
}

function flattenedSoftmax(node: Node, { names }: Upgrader): Node[] {
  const name = (hint: string): string => names.take(`${node.outputs[0]}_${hint}`);
  const [shape, flat, result] = [name("shape"), name("flat"), name("softmax")];
  const input = node.inputs[0]!;
  return [
    makeNode("Shape", [input], [shape]),
    makeNode("Flatten", [input], [flat], { axis: intAttribute(node, "axis", 1) }),
    makeNode(node.op, [flat], [result], { axis: -1 }),
    makeNode("Reshape", [result, shape], node.outputs),
  ];
}

/** The outputs of training mode changed their meaning. */
const batchNormalization: Upgrade = (node) => {
  while (node.outputs.length > 1 && node.outputs.at(-1) === "") node.outputs.pop();
  if (node.outputs.length > 1) refuse(node, "is in training mode; export the model for inference");
  return undefined;
};

/** Sets an attribute whose default changed, unless it is set. */
const keepDefault =
  (name: string, value: string): Upgrade =>
  (node) => {
    if (!node.attributes.has(name)) node.attributes.set(name, attr.string(value));
    return undefined;
  };

/** Equal parts must be counted. */
const split: Upgrade = (node) => {
  if (node.inputs[1] === undefined || node.inputs[1] === "")
    node.attributes.set("num_outputs", attr.int(node.outputs.length));
  return undefined;
};

const resize: Upgrade = (node) => {
  const mode = stringAttribute(node, "coordinate_transformation_mode", "half_pixel");
  if (mode === "tf_half_pixel_for_nn") refuse(node, `has the mode ${mode}, which operator set 13 no longer has`);
  return undefined;
};

const gridSample: Upgrade = (node) => {
  const renamed: Record<string, string> = { bilinear: "linear", bicubic: "cubic" };
  const mode = stringAttribute(node, "mode", "bilinear");
  node.attributes.set("mode", attr.string(renamed[mode] ?? mode));
  return undefined;
};

/** The axis becomes a scalar input, and its default changes. */
const fourier: Upgrade = (node, upgrader) => {
  const axis = upgrader.constant(node, "axis", int64([intAttribute(node, "axis", 1)], []));
  node.attributes.delete("axis");
  node.inputs = [node.inputs[0]!, node.inputs[1] ?? "", axis];
  return undefined;
};

const groupNormalization: Upgrade = (node) =>
  refuse(
    node,
    "has a scale for each group, operator set 21 wants one for each channel; export it at that operator set",
  );

function refuse(node: Node, problem: string): never {
  throw new UnsupportedOperatorError(node.op, node.name, problem);
}

const axesToInput = listToInput("axes");

/** What changed its meaning or its form, by the version that changed it. */
const upgrades: Readonly<Record<number, Readonly<Record<string, Upgrade>>>> = {
  12: { Dropout: dropout },
  13: {
    Squeeze: axesToInput,
    Unsqueeze: axesToInput,
    ReduceSum: axesToInput,
    Split: listToInput("split"),
    Softmax: softmax,
    LogSoftmax: softmax,
    Hardmax: softmax,
    Resize: resize,
  },
  14: { BatchNormalization: batchNormalization },
  16: { RoiAlign: keepDefault("coordinate_transformation_mode", "output_half_pixel") },
  18: {
    ReduceL1: axesToInput,
    ReduceL2: axesToInput,
    ReduceLogSum: axesToInput,
    ReduceLogSumExp: axesToInput,
    ReduceMax: axesToInput,
    ReduceMean: axesToInput,
    ReduceMin: axesToInput,
    ReduceProd: axesToInput,
    ReduceSumSquare: axesToInput,
    Split: split,
  },
  20: { GridSample: gridSample, DFT: fourier },
  21: { GroupNormalization: groupNormalization },
};
