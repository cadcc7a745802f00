import type { Dim, Shape } from "../graph.ts";
import { isKnown, unknownDims } from "./dims.ts";
import type { NodeContext, Operator, OperatorTable } from "./operator.ts";

function reducedShape(context: NodeContext): Shape {
  const { shape } = context.input(0);
  const keep = context.int("keepdims", 1) === 1;
  const axes = reducedAxes(context, shape);
  if (shape === undefined || axes === undefined) return keep && shape ? unknownDims(shape.length) : undefined;
  const reduced = axes.map((axis) => context.axis(axis, shape.length));
  if (keep) return shape.map((dim, axis) => (reduced.includes(axis) ? 1 : dim));
  return shape.filter((_, axis) => !reduced.includes(axis));
}

/** No axes mean all of them, unless the node says that they mean none. */
function reducedAxes(context: NodeContext, shape: Shape): readonly number[] | undefined {
  const given = context.axes("axes", 1);
  if (given !== undefined && given.length > 0) return given;
  if (given === undefined && context.optional(1) !== undefined) return undefined;
  return context.int("noop_with_empty_axes", 0) === 1 ? [] : shape && [...shape.keys()];
}

/** A reduction; `fold` follows shapes computed from small integer tensors. */
function reduction(fold?: (a: number, b: number) => number): Operator {
  return {
    infer: (context) => {
      const { type, elements } = context.input(0);
      const shape = reducedShape(context);
      const whole = shape?.every((dim) => dim === 1) && elements?.length ? elements : undefined;
      return [{ type, shape, elements: fold && whole && [foldAll(whole, fold)] }];
    },
  };
}

function foldAll(elements: readonly Dim[], fold: (a: number, b: number) => number): Dim {
  if (elements.length === 1) return elements[0];
  return elements.every(isKnown) ? elements.reduce((a, b) => fold(a, b)) : undefined;
}

/** The index of the largest or smallest element of one axis. */
const argument: Operator = {
  infer: (context) => {
    const { shape } = context.input(0);
    if (shape === undefined) return [{ type: "int64", shape }];
    const chosen = context.axis(context.int("axis", 0), shape.length);
    const kept = shape.map((dim, axis) => (axis === chosen ? 1 : dim));
    return [{ type: "int64", shape: context.int("keepdims", 1) === 1 ? kept : kept.toSpliced(chosen, 1) }];
  },
};

export const reduce: OperatorTable = {
  ReduceSum: reduction((a, b) => a + b),
  ReduceProd: reduction((a, b) => a * b),
  ReduceMax: reduction(Math.max),
  ReduceMin: reduction(Math.min),
  ReduceMean: reduction(),
  ReduceL1: reduction(),
  ReduceL2: reduction(),
  ReduceLogSum: reduction(),
  ReduceLogSumExp: reduction(),
  ReduceSumSquare: reduction(),
  ArgMax: argument,
  ArgMin: argument,
};
