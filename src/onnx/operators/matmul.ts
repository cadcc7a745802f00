import type { Dim, Shape } from "../graph.ts";
import type { ElementType } from "../tensor.ts";
import { broadcast, isKnown, shapeText } from "./dims.ts";
import type { CostContext, Inferred, NodeContext, Operator, OperatorTable } from "./operator.ts";

/** NumPy's matmul: leading axes broadcast, vectors gain an axis that the result loses. */
function matmulShape(context: NodeContext, left: Inferred, right: Inferred): Shape {
  const [a, b] = [left.shape, right.shape];
  if (a === undefined || b === undefined) return undefined;
  const [inner, other] = [a.at(-1), b.length === 1 ? b[0] : b.at(-2)];
  if (a.length === 0 || b.length === 0 || (isKnown(inner) && isKnown(other) && inner !== other)) {
    context.fail(`cannot multiply ${shapeText(a)} by ${shapeText(b)}`);
  }
  const rows = a.length > 1 ? [a.at(-2)] : [];
  const columns = b.length > 1 ? [b.at(-1)] : [];
  return [...broadcast([a.slice(0, -2), b.slice(0, -2)])!, ...rows, ...columns];
}

const times = (size: number | undefined, inner: Dim): number | undefined =>
  size !== undefined && isKnown(inner) ? size * inner : undefined;

/** A matrix product of the inputs `a` and `b`. */
function product(a: number, b: number, type: (context: NodeContext) => ElementType): Operator {
  return {
    infer: (context) => [{ type: type(context), shape: matmulShape(context, context.input(a), context.input(b)) }],
    macs: (context) => times(context.outputSize, context.input(a).shape?.at(-1)),
  };
}

function gemmShape(context: NodeContext, left: Inferred, right: Inferred): Shape {
  const [a, b] = [left.shape, right.shape];
  if (a === undefined || b === undefined) return undefined;
  const [rows, inner] = context.int("transA", 0) ? [a[1], a[0]] : [a[0], a[1]];
  const [other, columns] = context.int("transB", 0) ? [b[1], b[0]] : [b[0], b[1]];
  if (a.length !== 2 || b.length !== 2 || (isKnown(inner) && isKnown(other) && inner !== other)) {
    context.fail(`cannot multiply ${shapeText(a)} by ${shapeText(b)}`);
  }
  return [rows, columns];
}

const gemmMacs = (context: CostContext): number | undefined =>
  times(context.outputSize, context.input(0).shape?.[context.int("transA", 0) ? 0 : 1]);

const gemm: Operator = {
  infer: (context) => [{ type: context.input(0).type, shape: gemmShape(context, context.input(0), context.input(1)) }],
  macs: gemmMacs,
};

/** Inputs: a, its scale and zero point, b, its scale and zero point, bias, the output's scale and zero point. */
const quantisedGemm: Operator = {
  infer: (context) => [
    {
      type: context.optional(8)?.type ?? "float32",
      shape: gemmShape(context, context.input(0), context.input(3)),
    },
  ],
  macs: gemmMacs,
};

/** The subscripts of an einsum: one text an operand, then that of the output. */
export function subscripts(context: NodeContext): { operands: string[]; output: string } {
  const [left = "", right] = context.string("equation", "").replaceAll(" ", "").split("->");
  const operands = left.split(",");
  const letters = left.replaceAll(/[,.]/g, "").split("");
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  return { operands, output: right ?? `${left.includes("...") ? "..." : ""}${once.join("")}` };
}

/** Sizes by subscript, and the sizes under each operand's ellipsis. */
function einsumSizes(context: NodeContext): { sizes: Map<string, Dim>; ellipses: Dim[][] } | undefined {
  const sizes = new Map<string, Dim>();
  const ellipses: Dim[][] = [];
  for (const [at, operand] of subscripts(context).operands.entries()) {
    const shape = context.input(at).shape;
    if (shape === undefined) return undefined;
    const [head = "", tail] = operand.split("...");
    for (const [axis, letter] of head.split("").entries()) sizes.set(letter, shape[axis]);
    for (const [axis, letter] of (tail ?? "").split("").entries()) {
      sizes.set(letter, shape[shape.length - tail!.length + axis]);
    }
    if (tail !== undefined) ellipses.push(shape.slice(head.length, shape.length - tail.length));
  }
  return { sizes, ellipses };
}

function einsumShape(context: NodeContext): Shape {
  const known = einsumSizes(context);
  if (known === undefined) return undefined;
  const [head = "", tail] = subscripts(context).output.split("...");
  const dims = (text: string): Dim[] => text.split("").map((letter) => known.sizes.get(letter));
  return [...dims(head), ...(tail === undefined ? [] : [...broadcast(known.ellipses)!, ...dims(tail)])];
}

/** One multiply-accumulate for every combination of subscripts. */
function einsumMacs(context: CostContext): number | undefined {
  const known = einsumSizes(context);
  if (known === undefined) return undefined;
  const dims = [...known.sizes.values(), ...broadcast(known.ellipses)!];
  return dims.every(isKnown) ? dims.reduce((a, b) => a * b, 1) : undefined;
}

const einsum: Operator = {
  infer: (context) => [{ type: context.input(0).type, shape: einsumShape(context) }],
  macs: einsumMacs,
};

export const matmul: OperatorTable = {
  MatMul: product(0, 1, (context) => context.input(0).type),
  MatMulInteger: product(0, 1, () => "int32"),
  QLinearMatMul: product(0, 3, (context) => context.input(7).type),
  Gemm: gemm,
  "com.microsoft.QGemm": quantisedGemm,
  Einsum: einsum,
  Det: {
    infer: (context) => [{ type: context.input(0).type, shape: context.input(0).shape?.slice(0, -2) }],
  },
};
