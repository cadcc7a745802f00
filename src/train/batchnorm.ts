import { floatAttribute, type GraphBuilder, int64, makeNode, type Node, scalar } from "../onnx/index.ts";

/** The statistics of one BatchNormalization over a batch: names of values of shape [1, channels, 1, 1]. */
export interface BatchStatistics {
  readonly mean: string;
  /** Biased. */
  readonly variance: string;
}

/**
 * Emits BatchNormalization with the statistics of the batch at hand, in primitive operators, which differentiate.
 * The output bears the name of the node's output.
 *
 * Source: Ioffe, Szegedy, "Batch normalization", 2015.
 *
 * @param rank - number of axes of the input, channels at axis 1
 */
export function emitBatchNormalization(b: GraphBuilder, node: Node, rank = 4): BatchStatistics {
  const [x, scale, bias] = node.inputs as [string, string, string];
  const axes = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 1);
  const perChannel = b.constant(int64([1, -1, ...axes.slice(1).map(() => 1)]));
  const broadcast = (value: string): string => b.op("Reshape", [value, perChannel]);
  const overImages = b.constant(int64(axes));
  const mean = b.op("ReduceMean", [x, overImages]);
  const centred = b.op("Sub", [x, mean]);
  const variance = b.op("ReduceMean", [b.op("Mul", [centred, centred]), overImages]);
  const epsilon = b.constant(scalar(floatAttribute(node, "epsilon", 1e-5)));
  const deviation = b.op("Sqrt", [b.op("Add", [variance, epsilon])]);
  const normalised = b.op("Mul", [centred, b.op("Div", [broadcast(scale), deviation])]);
  b.graph.nodes.push(makeNode("Add", [normalised, broadcast(bias)], [node.outputs[0]!]));
  return { mean, variance };
}
