import type { Dim, Shape } from "../graph.ts";
import { shapeText } from "./dims.ts";
import type { NodeContext, Operator, OperatorTable } from "./operator.ts";
import { slide, windowsOf } from "./window.ts";

function poolShape(context: NodeContext): Shape {
  const x = context.input(0).shape;
  if (x === undefined) return undefined;
  const kernel = context.ints("kernel_shape", []);
  if (kernel.length !== x.length - 2)
    context.fail(`kernel_shape ${shapeText(kernel)} does not fit input ${shapeText(x)}`);
  return [x[0], x[1], ...windowsOf(context, kernel).map((window, axis) => slide(x[axis + 2], window))];
}

const pooling: Operator = { infer: (context) => [{ type: context.input(0).type, shape: poolShape(context) }] };

const maxPool: Operator = {
  infer: (context) => {
    const shape = poolShape(context);
    return [
      { type: context.input(0).type, shape },
      { type: "int64", shape },
    ];
  },
};

const globalPool: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    return [{ type, shape: shape?.map((dim, axis) => (axis < 2 ? dim : 1)) }];
  },
};

/** Regions [rois, 4 or 5] of [N, C, H, W] give [rois, C, height, width]. */
function regions(size: (context: NodeContext) => readonly Dim[]): Operator {
  return {
    infer: (context) => {
      const { type, shape } = context.input(0);
      return [{ type, shape: [context.input(1).shape?.[0], shape?.[1], ...size(context)] }];
    },
  };
}

const maxUnpool: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    if (context.optional(2) !== undefined) return [{ type, shape: context.integers(2) }];
    if (shape === undefined) return [{ type, shape }];
    const windows = windowsOf(context, context.ints("kernel_shape", []));
    const grow = (dim: Dim, axis: number): Dim => {
      const { stride, before, after } = windows[axis]!;
      const kernel = context.ints("kernel_shape", [])[axis]!;
      return typeof dim === "number" ? (dim - 1) * stride - before - after + kernel : undefined;
    };
    return [{ type, shape: [shape[0], shape[1], ...shape.slice(2).map(grow)] }];
  },
};

export const pool: OperatorTable = {
  MaxPool: maxPool,
  AveragePool: pooling,
  LpPool: pooling,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  MaxUnpool: maxUnpool,
  MaxRoiPool: regions((context) => context.ints("pooled_shape", [])),
  RoiAlign: regions((context) => [context.int("output_height", 1), context.int("output_width", 1)]),
};
