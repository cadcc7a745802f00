import { type AttributeInput, intAttribute, intsAttribute, makeNode, type Node } from "../../onnx/index.ts";
import { trainingDomain } from "../straight-through.ts";

/** Rounds to `low..high` times a step that is learned: inputs value and step. */
export const learnedStep = "LearnedStep";
/** Rounds weights to -1, 0 and 1 times a scale that is learned: inputs weights, scale and threshold. */
export const ternaryWeights = "TernaryWeights";

export const isQuantiser = (node: Node): boolean =>
  node.domain === trainingDomain && (node.op === learnedStep || node.op === ternaryWeights);

/** The axis of a quantised value that has a step for each of its elements; undefined where one step serves all. */
export function channelAxis(node: Node): number | undefined {
  const axis = intAttribute(node, "axis", -1);
  return axis < 0 ? undefined : axis;
}

/** The integers that a learned step multiplies. */
export const codeRange = (node: Node): { low: number; high: number } => ({
  low: intAttribute(node, "low", 0),
  high: intAttribute(node, "high", 0),
});

/** The shape in which a quantiser's steps meet its value. */
export const stepShape = (node: Node): readonly number[] => intsAttribute(node, "step_shape", [1]);

/** A quantiser of `value`, whose steps lie along `axis` of `rank` axes; along none where one step serves all. */
export function quantiserNode(
  op: string,
  inputs: readonly [value: string, ...string[]],
  output: string,
  { axis, rank }: { readonly axis?: number; readonly rank: number },
  attributes: Record<string, AttributeInput>,
): Node {
  const shape = axis === undefined ? [1] : Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1));
  const all = { ...attributes, axis: axis ?? -1, step_shape: shape };
  return { ...makeNode(op, inputs, [output], all), domain: trainingDomain };
}
