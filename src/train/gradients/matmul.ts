import { floatAttribute, type GraphBuilder, int64, intAttribute, scalar } from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

/** Y = alpha A' B' + beta C, where ' may transpose. */
const gemm: GradientRule = (c) => {
  const { b, node, gradient, inputs } = c;
  const [x, y] = inputs as [string, string];
  const transA = intAttribute(node, "transA", 0);
  const transB = intAttribute(node, "transB", 0);
  const alpha = { alpha: { kind: "float", value: floatAttribute(node, "alpha", 1) } } as const;
  return [
    () =>
      transA
        ? b.op("Gemm", [y, gradient], { ...alpha, transA: transB, transB: 1 })
        : b.op("Gemm", [gradient, y], { ...alpha, transB: 1 - transB }),
    () =>
      transB
        ? b.op("Gemm", [gradient, x], { ...alpha, transA: 1, transB: transA })
        : b.op("Gemm", [x, gradient], { ...alpha, transA: 1 - transA }),
    () => addend(c),
  ];
};

/** The gradient of Gemm's C, which is broadcast to [M, N]. */
function addend({ b, node, gradient, inputs, shape }: GradientContext): string {
  const to = shape(inputs[2]!);
  const padded = [1, 1, ...to].slice(-2);
  const axes = shape(node.outputs[0]!).flatMap((size, axis) => (padded[axis] === 1 && size !== 1 ? [axis] : []));
  const beta = floatAttribute(node, "beta", 1);
  const scaled = beta === 1 ? gradient : b.op("Mul", [gradient, b.constant(scalar(beta))]);
  const sum = axes.length === 0 ? scaled : b.op("ReduceSum", [scaled, b.constant(int64(axes))]);
  return b.op("Reshape", [sum, b.constant(int64(to))]);
}

/** Y = A B over stacks of matrices of equal rank, or a stack times one matrix. */
const matmul: GradientRule = ({ b, gradient, inputs, shape, node }) => {
  const [x, y] = inputs as [string, string];
  const [a, w] = [shape(x), shape(y)];
  const stacked = a.length === w.length;
  return [
    () => b.op("MatMul", [gradient, swapLast(b, y, w.length)]),
    () => {
      if (stacked) return b.op("MatMul", [swapLast(b, x, a.length), gradient]);
      const rows = b.op("Reshape", [x, b.constant(int64([-1, a.at(-1)!]))]);
      const columns = b.op("Reshape", [gradient, b.constant(int64([-1, shape(node.outputs[0]!).at(-1)!]))]);
      return b.op("Gemm", [rows, columns], { transA: 1 });
    },
  ];
};

function swapLast(b: GraphBuilder, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  perm.push(perm.splice(rank - 2, 1)[0]!);
  return b.op("Transpose", [value], { perm });
}

export const matmulRules: Record<string, GradientRule> = { Gemm: gemm, MatMul: matmul };
