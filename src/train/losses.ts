import { UsageError } from "../errors.ts";
import { type GraphBuilder, int64, scalar } from "../onnx/index.ts";

/** What a loss may read: names of values, one row for each image of the batch. */
export interface LossInputs {
  readonly b: GraphBuilder;
  /** float32 [batch, classes] */
  readonly logits: string;
  /** int64 [batch] */
  readonly labels: string;
  readonly classes: number;
  /** float32 [batch, classes]: the logits of the network to learn from. */
  readonly teacher: string;
}

/** Emits a scalar to be minimised. */
export interface Loss {
  /** Whether the data must carry a teacher's logits. */
  readonly needsTeacher: boolean;
  emit(inputs: LossInputs): string;
}

/** Mean negative log-likelihood of the labels. */
export const crossEntropy: Loss = {
  needsTeacher: false,
  emit({ b, logits, labels, classes }) {
    const depth = b.constant(int64([classes]), "classes");
    const off = { type: "float32", dims: [2], data: Float32Array.of(0, 1) } as const;
    const target = b.op("OneHot", [labels, depth, b.constant(off)], { axis: -1 });
    return b.op("Neg", [meanOverBatch(b, b.op("Mul", [target, logSoftmax(b, logits)]))]);
  },
};

/**
 * Knowledge distillation: `labels * CE + (1 - labels) * T^2 KL(teacher || student)`, both softened by the temperature T.
 *
 * Source: Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", 2015.
 *
 * @param options.labels - weight of the cross-entropy, 0..1
 * @param options.temperature - above 0
 */
export function distillation({ labels, temperature }: { labels: number; temperature: number }): Loss {
  if (!(labels >= 0 && labels <= 1)) throw new UsageError(`labels' weight must lie in 0..1, received ${labels}`);
  if (!(temperature > 0)) throw new UsageError(`temperature must be above 0, received ${temperature}`);
  return {
    needsTeacher: true,
    emit(inputs) {
      const { b } = inputs;
      const soften = (logits: string): string =>
        logSoftmax(b, b.op("Mul", [logits, b.constant(scalar(1 / temperature))]));
      const teacher = soften(inputs.teacher);
      const gap = b.op("Sub", [teacher, soften(inputs.logits)]);
      const divergence = meanOverBatch(b, b.op("Mul", [b.op("Exp", [teacher]), gap]));
      const weighted = b.op("Mul", [divergence, b.constant(scalar((1 - labels) * temperature ** 2))]);
      if (labels === 0) return weighted;
      const likelihood = b.op("Mul", [crossEntropy.emit(inputs), b.constant(scalar(labels))]);
      return b.op("Add", [likelihood, weighted]);
    },
  };
}

const logSoftmax = (b: GraphBuilder, logits: string): string => b.op("LogSoftmax", [logits], { axis: -1 });

/** The sum over classes, averaged over images. */
function meanOverBatch(b: GraphBuilder, rows: string): string {
  const sums = b.op("ReduceSum", [rows, b.constant(int64([1]))], { keepdims: 0 });
  return b.op("ReduceMean", [sums], { keepdims: 0 });
}
