import { type ElementType, elementTypeOf } from "../tensor.ts";
import { broadcast } from "./dims.ts";
import { NodeContext, type Operator, type OperatorTable } from "./operator.ts";
import { pool } from "./pool.ts";
import { slicing } from "./slicing.ts";

/** An attribute that names a type; 0 stands for none. */
function outputType(context: NodeContext): ElementType | undefined {
  const code = context.int("output_dtype", 0);
  return code === 0 ? undefined : (elementTypeOf(code) ?? context.fail(`element type ${code} is not supported`));
}

/** The type is the zero point's, or `output_dtype`'s, or uint8. */
const quantisedType = (context: NodeContext): ElementType =>
  context.optional(2)?.type ?? outputType(context) ?? "uint8";

const quantize: Operator = {
  infer: (context) => [{ type: quantisedType(context), shape: context.input(0).shape }],
};

const dequantize: Operator = {
  infer: (context) => [{ type: outputType(context) ?? context.input(1).type, shape: context.input(0).shape }],
};

/** Scale and zero point are found from the data. */
const dynamicQuantize: Operator = {
  infer: (context) => [
    { type: "uint8", shape: context.input(0).shape },
    { type: "float32", shape: [] },
    { type: "uint8", shape: [] },
  ],
};

/** Inputs: a, its scale and zero point, b, its scale and zero point, the output's scale and zero point. */
const quantisedBinary: Operator = {
  infer: (context) => [
    { type: context.input(0).type, shape: broadcast([context.input(0).shape, context.input(3).shape]) },
  ],
};

const quantisedUnary: Operator = {
  infer: (context) => [{ type: context.input(0).type, shape: context.input(0).shape }],
};

/** `channels_last` is refused: ONNX Runtime makes it itself, exporters do not. */
function channelsFirst(operator: Operator): Operator {
  return {
    infer: (context) =>
      context.int("channels_last", 0) === 0 ? operator.infer(context) : context.fail("channels_last is not supported"),
  };
}

/** Inputs: the output's scale and zero point, then tensor, scale and zero point of each operand. */
const quantisedConcat: Operator = {
  infer: (context) => {
    const operands = context.inputs.filter((_, at) => at >= 2 && (at - 2) % 3 === 0);
    return slicing.Concat!.infer(new NodeContext(context.node, context.opset, operands));
  },
};

export const quantization: OperatorTable = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
  "com.microsoft.QuantizeLinear": quantize,
  "com.microsoft.DequantizeLinear": dequantize,
  "com.microsoft.QLinearAdd": quantisedBinary,
  "com.microsoft.QLinearMul": quantisedBinary,
  "com.microsoft.QLinearSigmoid": quantisedUnary,
  "com.microsoft.QLinearLeakyRelu": quantisedUnary,
  "com.microsoft.QLinearSoftmax": quantisedUnary,
  "com.microsoft.QLinearAveragePool": channelsFirst(pool.AveragePool!),
  "com.microsoft.QLinearGlobalAveragePool": channelsFirst(pool.GlobalAveragePool!),
  "com.microsoft.QLinearConcat": quantisedConcat,
};
