import { floatAttribute, type GraphBuilder, int64, makeNode, type Node, scalar } from "../../onnx/index.ts";
import { straightThrough } from "../straight-through.ts";
import { codeRange, stepShape, ternaryWeights } from "./nodes.ts";

/**
 * Emits a quantiser in operators that differentiate; the output bears the name of the node's output.
 *
 * @param ramp - name of a scalar 0..1: how much of quantised ternary weights there is in place of the float ones
 */
export function emitQuantiser(b: GraphBuilder, node: Node, ramp: string | undefined): void {
  const value = node.op === ternaryWeights ? emitTernary(b, node, ramp) : emitLearnedStep(b, node);
  b.graph.nodes.push(makeNode("Identity", [value], node.outputs));
}

/**
 * `round(clip(x / s, low, high)) s`. The gradient passes where nothing is clipped, and teaches the step
 * `round(x / s) - x / s` there, `low` or `high` elsewhere.
 *
 * Source: Esser et al., "Learned step size quantization", ICLR 2020, equations 1 to 3.
 */
function emitLearnedStep(b: GraphBuilder, node: Node): string {
  const { low, high } = codeRange(node);
  const step = emitStep(b, node);
  const ratio = b.op("Div", [node.inputs[0]!, step]);
  const clipped = b.op("Clip", [ratio, b.constant(scalar(low)), b.constant(scalar(high))]);
  return b.op("Mul", [straightThrough(b, b.op("Round", [clipped]), clipped), step]);
}

/**
 * `a sign(w)` where |w| is above the threshold, 0 elsewhere. The gradient passes to the weights as it is, and teaches the
 * scale a as a learned step.
 *
 * Sources: Li, Liu, "Ternary weight networks", 2016; the ramp `(1 - t) w + t Q(w)`: a gradual form of Zhou et al.,
 * "Incremental network quantization", ICLR 2017.
 */
function emitTernary(b: GraphBuilder, node: Node, ramp: string | undefined): string {
  const [weights, , threshold] = node.inputs as [string, string, string];
  const bound = b.op("Reshape", [threshold, b.constant(int64(stepShape(node)))]);
  const kept = b.op("Cast", [b.op("Greater", [b.op("Abs", [weights]), bound])], { to: 1 });
  const codes = straightThrough(b, b.op("Mul", [b.op("Sign", [weights]), kept]));
  const ternary = b.op("Mul", [codes, emitStep(b, node)]);
  if (ramp === undefined) return b.op("Add", [ternary, straightThrough(b, b.op("Sub", [weights, weights]), weights)]);
  const share = b.op("Sub", [b.constant(scalar(1)), ramp]);
  const rest = straightThrough(b, b.op("Mul", [weights, share]), weights);
  return b.op("Add", [b.op("Mul", [ternary, ramp]), rest]);
}

/** The steps, above zero, in the shape in which they meet the value; their gradient is scaled by the node's `share`. */
function emitStep(b: GraphBuilder, node: Node): string {
  const step = node.inputs[1]!;
  const share = b.op("Mul", [step, b.constant(scalar(floatAttribute(node, "share", 1)))]);
  const positive = b.op("Abs", [straightThrough(b, step, share)]);
  return b.op("Reshape", [positive, b.constant(int64(stepShape(node)))]);
}
