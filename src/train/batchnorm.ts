import { attr, floatAttribute, type GraphBuilder, int64, makeNode, type Node, scalar } from "../onnx/index.ts";
import type { Device } from "./device.ts";

/** The statistics of one BatchNormalization over a batch: names of values with an element for each channel. */
export interface BatchStatistics {
  readonly mean: string;
  /** Biased. */
  readonly variance: string;
}

/**
 * Emits BatchNormalization with the statistics of the batch at hand. The output bears the name of the node's output.
 *
 * Source: Ioffe, Szegedy, "Batch normalization", 2015.
 *
 * @param rank - number of axes of the input, channels at axis 1
 */
export function emitBatchNormalization(b: GraphBuilder, node: Node, device: Device, rank = 4): BatchStatistics {
  return device === "cpu" ? emitOperator(b, node, rank) : emitSteps(b, node, rank);
}

/** The operator in its training mode: its running statistics are those of the batch when nothing of the old ones is kept. */
function emitOperator(b: GraphBuilder, node: Node, rank: number): BatchStatistics {
  const [x, scale, bias] = node.inputs as [string, string, string];
  const [mean, variance] = [b.fresh("mean"), b.fresh("variance")];
  const attributes = {
    epsilon: attr.float(floatAttribute(node, "epsilon", 1e-5)),
    momentum: attr.float(0),
    training_mode: 1,
  };
  const inputs = [x, scale, bias, ...emitForgotten(b, x, rank)];
  b.graph.nodes.push(makeNode("BatchNormalization", inputs, [node.outputs[0]!, mean, variance], attributes));
  return { mean, variance };
}

/**
 * Two values of shape [channels] for the old statistics, which do not count. ONNX Runtime writes the new ones over them,
 * even where they are constants that other nodes read, so they are made for this node alone.
 */
function emitForgotten(b: GraphBuilder, x: string, rank: number): [string, string] {
  const others = axesButChannels(rank);
  const all = (value: number): string => b.constant(int64(others.map(() => value)));
  const pixel = b.op("Slice", [x, all(0), all(1), b.constant(int64(others))]);
  const first = b.op("Reshape", [pixel, b.constant(int64([-1]))]);
  return [first, b.op("Neg", [first])];
}

/** In primitive operators: the training mode has a kernel on the CPU only. */
function emitSteps(b: GraphBuilder, node: Node, rank: number): BatchStatistics {
  const [x, scale, bias] = node.inputs as [string, string, string];
  const overImages = b.constant(int64(axesButChannels(rank)));
  const perChannel = b.constant(int64([1, -1, ...Array(rank - 2).fill(1)]));
  const broadcast = (value: string): string => b.op("Reshape", [value, perChannel]);
  const mean = b.op("ReduceMean", [x, overImages]);
  const centred = b.op("Sub", [x, mean]);
  const variance = b.op("ReduceMean", [b.op("Mul", [centred, centred]), overImages]);
  const epsilon = b.constant(scalar(floatAttribute(node, "epsilon", 1e-5)));
  const deviation = b.op("Sqrt", [b.op("Add", [variance, epsilon])]);
  const normalised = b.op("Mul", [centred, b.op("Div", [broadcast(scale), deviation])]);
  b.graph.nodes.push(makeNode("Add", [normalised, broadcast(bias)], [node.outputs[0]!]));
  return { mean, variance };
}

const axesButChannels = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 1);
