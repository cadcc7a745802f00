import type { Dim, Shape } from "../graph.ts";
import {
  type ElementType,
  elementTypeOf,
  elementTypes,
  float32,
  int64,
  scalar,
  type Tensor,
  toNumbers,
} from "../tensor.ts";
import { isKnown, unknownDims } from "./dims.ts";
import { type Inferred, inferredConstant, type NodeContext, type Operator, type OperatorTable } from "./operator.ts";

/** The tensor that a Constant node holds, in whichever attribute; undefined for kinds that are no tensor. */
export function constantOf(attributes: NodeContext["node"]["attributes"]): Tensor | undefined {
  const attribute = [...attributes.values()][0];
  switch (attribute?.kind) {
    case "tensor":
      return attribute.value;
    case "float":
      return scalar(attribute.value);
    case "floats":
      return float32(attribute.value);
    case "int":
      return int64([attribute.value], []);
    case "ints":
      return int64(attribute.value);
    default:
      return undefined;
  }
}

const constant: Operator = {
  infer: (context) => [
    inferredConstant(constantOf(context.node.attributes) ?? context.fail("holds no tensor of numbers")),
  ],
};

const filled: Operator = {
  infer: (context) => {
    const attribute = context.node.attributes.get("value");
    const value = attribute?.kind === "tensor" ? attribute.value : scalar(0);
    const shape = shapeFrom(context.input(0));
    const count = shape?.every(isKnown) ? shape.reduce((a, b) => a * b, 1) : Number.POSITIVE_INFINITY;
    const elements = count <= 256 ? Array<number>(count).fill(toNumbers(value)[0]!) : undefined;
    return [{ type: value.type, shape, elements }];
  },
};

/** A shape given as a tensor. */
function shapeFrom(value: Inferred): Shape {
  const rank = value.shape?.[0];
  return value.elements ?? (isKnown(rank) ? unknownDims(rank) : undefined);
}

const range: Operator = {
  infer: (context) => {
    const [start, limit, delta] = [0, 1, 2].map((at) => context.input(at).elements?.[0]);
    const count = rangeCount(start, limit, delta);
    const known = isKnown(count) && isKnown(start) && isKnown(delta) && count <= 256;
    const elements = known ? Array.from({ length: count }, (_, at) => start + at * delta) : undefined;
    return [{ type: context.input(0).type, shape: [count], elements }];
  },
};

function rangeCount(start: Dim, limit: Dim, delta: Dim): Dim {
  if (isKnown(start) && isKnown(limit) && isKnown(delta)) return Math.max(0, Math.ceil((limit - start) / delta));
  return start === 0 && delta === 1 ? limit : undefined;
}

/** The element type that an attribute names by ONNX's code. */
function typeAttribute(context: NodeContext, name: string, fallback: ElementType): ElementType {
  const code = context.int(name, elementTypes[fallback].code);
  return elementTypeOf(code) ?? context.fail(`element type ${code} is not supported`);
}

const cast: Operator = {
  infer: (context) => {
    const input = context.input(0);
    return [castTo(input, typeAttribute(context, "to", input.type))];
  },
};

/** How elements change with their type, for the types that shapes are computed in. */
const conversions: Partial<Record<ElementType, (value: number) => number>> = {
  int64: Math.trunc,
  int32: Math.trunc,
  float32: Math.fround,
  float64: (value) => value,
  bool: (value) => Number(value !== 0),
};

function castTo({ shape, elements }: Inferred, type: ElementType): Inferred {
  const convert = conversions[type];
  const known = type === "bool" ? elements?.map((dim) => (isKnown(dim) ? dim : undefined)) : elements;
  return { type, shape, elements: convert && known?.map((dim) => (isKnown(dim) ? convert(dim) : dim)) };
}

/** Operators that take the shape of the first input and the type of an attribute, else the input's. */
const like: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    return [{ type: typeAttribute(context, "dtype", type), shape }];
  },
};

const random: Operator = {
  infer: (context) => [{ type: typeAttribute(context, "dtype", "float32"), shape: context.ints("shape", []) }],
};

const multinomial: Operator = {
  infer: (context) => [
    {
      type: typeAttribute(context, "dtype", "int32"),
      shape: [context.input(0).shape?.[0], context.int("sample_size", 1)],
    },
  ],
};

const window: Operator = {
  infer: (context) => [
    { type: typeAttribute(context, "output_datatype", "float32"), shape: [context.input(0).elements?.[0]] },
  ],
};

export const constants: OperatorTable = {
  Constant: constant,
  ConstantOfShape: filled,
  Range: range,
  Cast: cast,
  CastLike: { infer: (context) => [castTo(context.input(0), context.input(1).type)] },
  EyeLike: like,
  RandomNormalLike: like,
  RandomUniformLike: like,
  Bernoulli: like,
  RandomNormal: random,
  RandomUniform: random,
  Multinomial: multinomial,
  HannWindow: window,
  HammingWindow: window,
  BlackmanWindow: window,
};
