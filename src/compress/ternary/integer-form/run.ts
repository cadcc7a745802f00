import { UsageError } from "../../../errors.ts";
import { sizeOf } from "../../../onnx/index.ts";
import { addition, concatenation } from "./joining.ts";
import { pick, transpose } from "./moving.ts";
import { average, maximum, mean } from "./pooling.ts";
import { convolution, dense, logits } from "./products.ts";
import { quantise } from "./rounding.ts";
import type { CodedValue, Codes, IntegerForm, Layer } from "./types.ts";

/**
 * The logits of one image, in plain loops: what hardware that runs the form is held to. Accumulators are exact; one becomes
 * a code by a single float32 product with `input scale x weight scale / output scale`, rounded to the nearest integer,
 * halves to even, as in the integer operators of ONNX Runtime.
 *
 * @param image - normalised network input [channels, rows, columns]
 */
export function runIntegerForm(form: IntegerForm, image: Float32Array): Float32Array {
  const input = form.values.get(form.input)!;
  if (image.length !== sizeOf(input.shape)) {
    throw new UsageError(`the image has ${image.length} values, the network reads ${input.shape.join(" x ")}`);
  }
  const known = new Map<string, Codes>();
  const codes = (name: string): Codes => known.get(name)!;
  known.set(form.input, { ...input, data: Uint8Array.from(image, (value) => quantise(value, input)) });
  for (const layer of form.layers) {
    if (layer.kind === "logits") return logits(layer, codes(layer.input));
    const output = form.values.get(layer.output)!;
    known.set(layer.output, { ...output, data: codesOf(layer, output, codes) });
  }
  throw new UsageError("the integer form has no layer that makes logits");
}

function codesOf(
  layer: Exclude<Layer, { kind: "logits" }>,
  output: CodedValue,
  codes: (name: string) => Codes,
): Uint8Array {
  switch (layer.kind) {
    case "convolution":
      return convolution(layer, codes(layer.input), output);
    case "dense":
      return dense(layer, codes(layer.input), output);
    case "addition":
      return addition(codes(layer.inputs[0]), codes(layer.inputs[1]), output);
    case "concatenation":
      return concatenation(layer, layer.inputs.map(codes), output);
    case "mean":
      return mean(codes(layer.input), output);
    case "maximum":
      return maximum(layer, codes(layer.input), output);
    case "average":
      return average(layer, codes(layer.input), output);
    case "pick":
      return pick(layer, codes(layer.input), output);
    case "transposition":
      return transpose(layer, codes(layer.input), output);
    default:
      return codes(layer.input).data;
  }
}
