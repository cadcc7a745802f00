import { UsageError } from "../errors.ts";
import { type GraphBuilder, int64, scalar } from "../onnx/index.ts";

/** An inner value of the network and the teacher's value of the same shape that it should resemble. */
export interface FeaturePair {
  /** Name of a value of the network that learns. */
  readonly student: string;
  /** Name of a value of the teacher. */
  readonly teacher: string;
}

/** What a loss may read: names of values, one row for each image of the batch. */
export interface LossInputs {
  readonly b: GraphBuilder;
  /** float32 [batch, classes] */
  readonly logits: string;
  /** int64 [batch] */
  readonly labels: string;
  /** float32 [batch, classes]: the labels as probabilities. */
  readonly target: string;
  readonly classes: number;
  /** float32 [batch, classes]: the logits of the network to learn from. */
  readonly teacher: string;
  /** The two values of a pair in this graph. Throws UsageError when the network has no such value. */
  readonly feature: (pair: FeaturePair) => FeaturePair;
}

/** Emits a scalar to be minimised. */
export interface Loss {
  /** Whether the teacher's logits are read. */
  readonly needsTeacher: boolean;
  /** Whether the labels are read. */
  readonly needsLabels: boolean;
  /** Inner values of the teacher that are read; none by default. */
  readonly teacherValues?: readonly string[];
  emit(inputs: LossInputs): string;
}

/** Mean negative log-likelihood of the labels. */
export const crossEntropy: Loss = {
  needsTeacher: false,
  needsLabels: true,
  emit({ b, logits, target }) {
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
    needsLabels: labels > 0,
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

/**
 * Mean squared difference of inner values from the teacher's, divided by the variance of the teacher's over the batch:
 * 1 for a network that always gives their mean. Averaged over the pairs.
 *
 * Source: Romero et al., "FitNets: hints for thin deep nets", ICLR 2015; without its adaptor.
 */
export function featureMatching(pairs: readonly FeaturePair[]): Loss {
  if (pairs.length === 0) throw new UsageError("featureMatching needs at least one pair of values, received none");
  return {
    needsTeacher: false,
    needsLabels: false,
    teacherValues: pairs.map(({ teacher }) => teacher),
    emit({ b, feature }) {
      const terms = pairs.map((pair) => relativeError(b, feature(pair)));
      const sum = terms.reduce((left, right) => b.op("Add", [left, right]));
      return b.op("Mul", [sum, b.constant(scalar(1 / terms.length))]);
    },
  };
}

/** Keeps the error of a value that never changes a number. */
const leastVariance = 1e-8;

function relativeError(b: GraphBuilder, { student, teacher }: FeaturePair): string {
  const mean = (value: string): string => b.op("ReduceMean", [value], { keepdims: 0 });
  const meanSquare = (value: string): string => mean(b.op("Mul", [value, value]));
  const variance = meanSquare(b.op("Sub", [teacher, mean(teacher)]));
  const error = meanSquare(b.op("Sub", [student, teacher]));
  return b.op("Div", [error, b.op("Add", [variance, b.constant(scalar(leastVariance))])]);
}

/** The sum of losses, each times its weight. */
export function sumOfLosses(terms: readonly { readonly loss: Loss; readonly weight: number }[]): Loss {
  if (terms.length === 0) throw new UsageError("sumOfLosses needs at least one loss, received none");
  return {
    needsTeacher: terms.some(({ loss }) => loss.needsTeacher),
    needsLabels: terms.some(({ loss }) => loss.needsLabels),
    teacherValues: [...new Set(terms.flatMap(({ loss }) => loss.teacherValues ?? []))],
    emit(inputs) {
      const { b } = inputs;
      const weighted = terms.map(({ loss, weight }) => b.op("Mul", [loss.emit(inputs), b.constant(scalar(weight))]));
      return weighted.reduce((left, right) => b.op("Add", [left, right]));
    },
  };
}

const logSoftmax = (b: GraphBuilder, logits: string): string => b.op("LogSoftmax", [logits], { axis: -1 });

/** The sum over classes, averaged over images. */
function meanOverBatch(b: GraphBuilder, rows: string): string {
  const sums = b.op("ReduceSum", [rows, b.constant(int64([1]))], { keepdims: 0 });
  return b.op("ReduceMean", [sums], { keepdims: 0 });
}
