import { floatAttribute, int64, intAttribute, scalar } from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

/** With frozen statistics it is an affine map of each channel; training replaces it by primitive operators instead. */
const batch: GradientRule = (c) => {
  const { b, gradient, inputs, node, shape } = c;
  const [x, scale, , mean, variance] = inputs as [string, string, string, string, string];
  const rank = shape(x).length;
  const perChannel = (value: string): string =>
    b.op("Reshape", [value, b.constant(int64([1, -1, ...Array(rank - 2).fill(1)]))]);
  const epsilon = b.constant(scalar(floatAttribute(node, "epsilon", 1e-5)));
  const inverse = (): string => b.op("Reciprocal", [b.op("Sqrt", [b.op("Add", [variance, epsilon])])]);
  const axes = shape(x).flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const overImages = (value: string): string => b.op("ReduceSum", [value, b.constant(int64(axes))], { keepdims: 0 });
  return [
    () => b.op("Mul", [gradient, perChannel(b.op("Mul", [scale, inverse()]))]),
    () => {
      const centred = b.op("Sub", [x, perChannel(mean)]);
      return b.op("Mul", [overImages(b.op("Mul", [gradient, centred])), inverse()]);
    },
    () => overImages(gradient),
    undefined,
    undefined,
  ];
};

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
