import { GraphBuilder, type Model, type Node, type Tensor } from "../../onnx/index.ts";
import { trainingDomain, withoutStraightThrough } from "../straight-through.ts";
import { channelIndex } from "./channels.ts";
import { emitQuantiser } from "./emit.ts";
import { channelAxis, codeRange, isQuantiser, ternaryWeights } from "./nodes.ts";
import { ternaryCodes } from "./ternary.ts";

/** Weights as integers times a scale for each element along `axis`. */
export interface QuantisedWeights {
  /** Name of the latent float weights among the network's constants. */
  readonly weights: string;
  /** The value that stands for them in the graph. */
  readonly output: string;
  readonly kind: "ternary" | "linear";
  readonly axis: number;
  readonly codes: Int8Array;
  readonly dims: readonly number[];
  readonly scales: Float32Array;
}

/** A value of the network that is rounded to `low..high` times a step. */
export interface QuantisedValue {
  readonly value: string;
  /** The value that stands for it in the graph. */
  readonly output: string;
  readonly step: number;
  readonly low: number;
  readonly high: number;
}

/** The quantisers of a network, in the order of its nodes. */
export function quantisersOf({ graph }: Model): { weights: QuantisedWeights[]; values: QuantisedValue[] } {
  const tensor = (name: string): Tensor => graph.constants.get(name)!;
  const nodes = graph.nodes.filter(isQuantiser);
  const ofWeights = (node: Node): boolean => graph.constants.has(node.inputs[0]!);
  return {
    weights: nodes.filter(ofWeights).map((node) => weightsOf(node, tensor)),
    values: nodes
      .filter((node) => !ofWeights(node))
      .map((node) => ({
        value: node.inputs[0]!,
        output: node.outputs[0]!,
        step: stepsOf(tensor(node.inputs[1]!))[0]!,
        ...codeRange(node),
      })),
  };
}

function weightsOf(node: Node, tensor: (name: string) => Tensor): QuantisedWeights {
  const [name, steps, thresholds] = node.inputs as [string, string, string?];
  const latent = tensor(name);
  const axis = channelAxis(node)!;
  const scales = stepsOf(tensor(steps));
  const kind = node.op === ternaryWeights ? "ternary" : "linear";
  const codes =
    thresholds === undefined
      ? linearCodes(latent, axis, scales, codeRange(node))
      : ternaryCodes(latent, axis, tensor(thresholds).data as Float32Array);
  return { weights: name, output: node.outputs[0]!, kind, axis, codes, dims: latent.dims, scales };
}

const stepsOf = ({ data }: Tensor): Float32Array => (data as Float32Array).map(Math.abs);

function linearCodes(
  { data, dims }: Tensor,
  axis: number,
  scales: Float32Array,
  { low, high }: { low: number; high: number },
): Int8Array {
  const channelOf = channelIndex(dims, axis);
  return Int8Array.from(data as Float32Array, (value, i) =>
    roundHalfToEven(Math.min(Math.max(Math.fround(value / scales[channelOf(i)]!), low), high)),
  );
}

/** As the ONNX operator Round. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The network with its quantisers written in standard operators, in float: what it answers, anywhere. */
export function withFloatQuantisers(model: Model): Model {
  const { graph } = model;
  const b = new GraphBuilder(graph.name);
  const named = [...graph.inputs.map(({ name }) => name), ...graph.constants.keys()];
  for (const name of [...named, ...graph.nodes.flatMap((node) => [node.name, ...node.outputs])]) b.fresh(name);
  for (const node of graph.nodes) {
    if (isQuantiser(node)) emitQuantiser(b, node, undefined);
    else b.graph.nodes.push(node);
  }
  const constants = new Map([...graph.constants, ...b.graph.constants]);
  const otherOpsets = new Map([...model.otherOpsets].filter(([domain]) => domain !== trainingDomain));
  return { ...model, otherOpsets, graph: withoutStraightThrough({ ...graph, nodes: b.graph.nodes, constants }) };
}
