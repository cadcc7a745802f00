import { attr, float32, floatAttribute, int64, intAttribute, scalar, sizeOf } from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

const batch: GradientRule = (c) => (intAttribute(c.node, "training_mode", 0) === 1 ? byBatch(c) : byFrozen(c));

/** Frozen statistics: an affine map of each channel. */
const byFrozen: GradientRule = (c) => {
  const { b, gradient, inputs } = c;
  const [x, scale, , mean, variance] = inputs as [string, string, string, string, string];
  return [
    () => b.op("Mul", [gradient, overImages(c, b.op("Mul", [scale, inverseDeviation(c, variance)]))]),
    () => {
      const centred = b.op("Sub", [x, overImages(c, mean)]);
      return b.op("Mul", [channelSum(c, b.op("Mul", [gradient, centred])), inverseDeviation(c, variance)]);
    },
    () => channelSum(c, gradient),
    undefined,
    undefined,
  ];
};

/**
 * The statistics of the batch, outputs 1 and 2 of the node. With x' = (x - mean) / deviation and n elements a channel:
 * dbias = sum(g), dscale = sum(g x'), dx = scale / deviation (g - dbias / n - x' dscale / n), which is a g + b x + c.
 */
const byBatch: GradientRule = (c) => {
  const { b, gradient, inputs, node, shape } = c;
  const [x, scale] = inputs as [string, string];
  const [, mean, variance] = node.outputs as [string, string, string];
  const dims = shape(x);
  let known: { inverse: string; bias: string; scale: string } | undefined;
  const sums = () => {
    if (known !== undefined) return known;
    const [inverse, bias] = [inverseDeviation(c, variance), channelSum(c, gradient)];
    const centred = b.op("Sub", [channelSum(c, b.op("Mul", [gradient, x])), b.op("Mul", [mean, bias])]);
    known = { inverse, bias, scale: b.op("Mul", [centred, inverse]) };
    return known;
  };
  return [
    () => {
      const { inverse, bias, scale: slope } = sums();
      const factor = b.op("Mul", [scale, inverse]);
      const share = b.op("Mul", [factor, b.constant(scalar(-dims[1]! / sizeOf(dims)))]);
      const along = b.op("Mul", [share, b.op("Mul", [slope, inverse])]);
      const addend = b.op("Sub", [b.op("Mul", [share, bias]), b.op("Mul", [along, mean])]);
      return b.op("Add", [b.op("Mul", [gradient, overImages(c, factor)]), affine(c, x, along, addend)]);
    },
    () => sums().scale,
    () => sums().bias,
    "stopped",
    "stopped",
  ];
};

/** `x factor + addend` by channel in one pass: BatchNormalization with mean 0 and variance 1. */
function affine({ b, shape }: GradientContext, x: string, factor: string, addend: string): string {
  const perChannel = (value: number) => b.constant(float32(new Float32Array(shape(x)[1]!).fill(value)));
  return b.op("BatchNormalization", [x, factor, addend, perChannel(0), perChannel(1)], { epsilon: attr.float(0) });
}

function inverseDeviation({ b, node }: GradientContext, variance: string): string {
  const epsilon = b.constant(scalar(floatAttribute(node, "epsilon", 1e-5)));
  return b.op("Reciprocal", [b.op("Sqrt", [b.op("Add", [variance, epsilon])])]);
}

/** [channel] as a value that repeats over images and pixels. */
function overImages({ b, inputs, shape }: GradientContext, value: string): string {
  const ones = Array(shape(inputs[0]!).length - 2).fill(1);
  return b.op("Reshape", [value, b.constant(int64([1, -1, ...ones]))]);
}

/** The sum of each channel over images and pixels. */
function channelSum({ b, inputs, shape }: GradientContext, value: string): string {
  const axes = shape(inputs[0]!).flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  return b.op("ReduceSum", [value, b.constant(int64(axes))], { keepdims: 0 });
}

/**
 * y = x' s + c with x' = (x - mean) / deviation over the last axes:
 * dx = (g' - mean(g') - x' mean(g' x')) / deviation with g' = g s.
 */
const layer: GradientRule = (c) => {
  const { b, gradient, inputs, node, shape } = c;
  const [x, scale] = inputs as [string, string];
  const dims = shape(x);
  const first = (intAttribute(node, "axis", -1) + dims.length) % dims.length;
  const axes = dims.flatMap((_, axis) => (axis >= first ? [axis] : []));
  const mean = (value: string): string => b.op("ReduceMean", [value, b.constant(int64(axes))]);
  const normalised = (): { unit: string; deviation: string } => {
    const centred = b.op("Sub", [x, mean(x)]);
    const epsilon = b.constant(scalar(floatAttribute(node, "epsilon", 1e-5)));
    const deviation = b.op("Sqrt", [b.op("Add", [mean(b.op("Mul", [centred, centred])), epsilon])]);
    return { unit: b.op("Div", [centred, deviation]), deviation };
  };
  return [
    () => {
      const { unit, deviation } = normalised();
      const slope = b.op("Mul", [gradient, scale]);
      const along = b.op("Mul", [unit, mean(b.op("Mul", [slope, unit]))]);
      return b.op("Div", [b.op("Sub", [b.op("Sub", [slope, mean(slope)]), along]), deviation]);
    },
    () => overRows(c, b.op("Mul", [gradient, normalised().unit]), inputs[1]!),
    () => overRows(c, gradient, inputs[2]!),
  ];
};

/** The sum over the leading axes, in the shape of a scale or bias. */
function overRows({ b, shape, node }: GradientContext, value: string, parameter: string): string {
  const to = shape(parameter);
  const lead = shape(node.outputs[0]!).length - to.length;
  const axes = Array.from({ length: lead }, (_, axis) => axis);
  return axes.length === 0 ? value : b.op("ReduceSum", [value, b.constant(int64(axes))], { keepdims: 0 });
}

export const normalizationRules: Record<string, GradientRule> = {
  BatchNormalization: batch,
  LayerNormalization: layer,
};
