import type { Dim } from "../graph.ts";
import { broadcast, isKnown, shapeText } from "./dims.ts";
import { mapElements } from "./elements.ts";
import { type NodeContext, type Operator, type OperatorTable, sameAsInput } from "./operator.ts";

/** One element computed from known and symbolic operands; undefined where it cannot be known. */
type Compute = (operands: readonly Dim[], integer: boolean) => Dim;

/** An operator over operands that broadcast to one shape. */
function broadcasting(compute?: Compute): Operator {
  return {
    infer: (context) => {
      const inputs = context.given;
      const { type } = context.input(0);
      const shape = broadcastShape(context);
      const integer = !type.includes("float");
      const elements = compute && mapElements(inputs, shape, (operands) => compute(operands, integer));
      return [{ type, shape, elements }];
    },
  };
}

function broadcastShape(context: NodeContext) {
  const shapes = context.given.map((input) => input.shape);
  try {
    return broadcast(shapes);
  } catch {
    return context.fail(`shapes ${shapes.map(shapeText).join(" and ")} cannot be broadcast`);
  }
}

/** Arithmetic on numbers alone. */
const arithmetic = (compute: (a: number, b: number) => number): Compute => {
  return (operands, integer) => {
    if (!operands.every(isKnown)) return undefined;
    const value = operands.reduce((a, b) => compute(a, b));
    return integer ? Math.trunc(value) : value;
  };
};

/** Of sizes, which are never negative: there the remainders of both signs are one. */
const remainder: Compute = ([a, b]) => (isKnown(a) && isKnown(b) && a >= 0 && b > 0 ? a % b : undefined);

/** Arithmetic under which a symbol stays itself beside `neutral`. */
function withNeutral(neutral: number, rest: Compute, sides: "both" | "right"): Compute {
  return (operands, integer) => {
    const [a, b] = operands;
    if (operands.length === 2 && b === neutral) return a;
    if (operands.length === 2 && a === neutral && sides === "both") return b;
    return rest(operands, integer);
  };
}

/** A comparison; the answer is a truth value. */
function comparison(compute?: (a: Dim, b: Dim) => boolean | undefined): Operator {
  return {
    infer: (context) => {
      const shape = broadcastShape(context);
      const answer = ([a, b]: readonly Dim[]): Dim => {
        const truth = compute?.(a, b);
        return truth === undefined ? undefined : Number(truth);
      };
      return [{ type: "bool", shape, elements: compute && mapElements(context.given, shape, answer) }];
    },
  };
}

/** Sizes are never negative: a symbol differs from every negative number. */
function equal(a: Dim, b: Dim): boolean | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (a === b) return true;
  if (isKnown(a) && isKnown(b)) return false;
  const known = [a, b].find(isKnown);
  return known !== undefined && known < 0 ? false : undefined;
}

const compareNumbers =
  (compare: (a: number, b: number) => boolean) =>
  (a: Dim, b: Dim): boolean | undefined =>
    isKnown(a) && isKnown(b) ? compare(a, b) : undefined;

/** What Where takes; the same answer on both sides needs no condition. */
function choose([condition, yes, no]: readonly Dim[]): Dim {
  if (condition === undefined) return yes === no ? yes : undefined;
  return condition === 0 ? no : yes;
}

const where: Operator = {
  infer: (context) => {
    const shape = broadcastShape(context);
    return [{ type: context.input(1).type, shape, elements: mapElements(context.given, shape, choose) }];
  },
};

/** A function of each element alone. */
function unary(compute: (value: number) => number): Operator {
  return {
    infer: (context) => {
      const { type, shape, elements } = context.input(0);
      return [{ type, shape, elements: elements?.map((dim) => (isKnown(dim) ? compute(dim) : undefined)) }];
    },
  };
}

const test: Operator = { infer: (context) => [{ type: "bool", shape: context.input(0).shape }] };

const same = (...names: string[]): OperatorTable => Object.fromEntries(names.map((name) => [name, sameAsInput]));

export const elementwise: OperatorTable = {
  ...same("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Erf", "Exp", "Log", "Round", "Sin"),
  ...same("Sinh", "Tan", "Tanh", "BitwiseNot", "BitShift", "Clip", "CumSum", "CumProd", "Trilu", "Sign"),
  Abs: unary(Math.abs),
  Neg: unary((value) => -value),
  Ceil: unary(Math.ceil),
  Floor: unary(Math.floor),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((value) => 1 / value),
  Not: unary((value) => 1 - value),
  IsNaN: test,
  IsInf: test,
  Add: broadcasting(
    withNeutral(
      0,
      arithmetic((a, b) => a + b),
      "both",
    ),
  ),
  Sub: broadcasting(
    withNeutral(
      0,
      arithmetic((a, b) => a - b),
      "right",
    ),
  ),
  Mul: broadcasting(
    withNeutral(
      1,
      arithmetic((a, b) => a * b),
      "both",
    ),
  ),
  Div: broadcasting(
    withNeutral(
      1,
      arithmetic((a, b) => a / b),
      "right",
    ),
  ),
  Min: broadcasting(arithmetic(Math.min)),
  Max: broadcasting(arithmetic(Math.max)),
  Sum: broadcasting(),
  Mean: broadcasting(),
  Pow: broadcasting(arithmetic((a, b) => a ** b)),
  Mod: broadcasting(remainder),
  BitwiseAnd: broadcasting(),
  BitwiseOr: broadcasting(),
  BitwiseXor: broadcasting(),
  And: comparison((a, b) => (isKnown(a) && isKnown(b) ? a !== 0 && b !== 0 : undefined)),
  Or: comparison((a, b) => (isKnown(a) && isKnown(b) ? a !== 0 || b !== 0 : undefined)),
  Xor: comparison(),
  Equal: comparison(equal),
  Greater: comparison(compareNumbers((a, b) => a > b)),
  GreaterOrEqual: comparison(compareNumbers((a, b) => a >= b)),
  Less: comparison(compareNumbers((a, b) => a < b)),
  LessOrEqual: comparison(compareNumbers((a, b) => a <= b)),
  Where: where,
};
