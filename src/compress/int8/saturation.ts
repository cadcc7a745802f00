import { GraphBuilder, modelOf, runModel, type Tensor } from "../../onnx/index.ts";

/** Long enough for every vector width, no longer: a sum of products that fits 32 bits easily. */
const length = 64;

/**
 * Asks the machine, by trying, whether its u8 x s8 products lose their upper bits: x86 processors without VNNI add
 * pairs of products in 16 bits, where 2 x 255 x 127 does not fit. Weights of 7 bits always fit.
 */
export async function productsSaturate(): Promise<boolean> {
  const b = new GraphBuilder("saturation");
  const x = b.input("x", "uint8", [1, length]);
  const weights: Tensor = { type: "int8", dims: [length, 8], data: new Int8Array(length * 8).fill(127) };
  b.output(b.op("MatMulInteger", [x, b.constant(weights)]), "int32", [1, 8], "y");
  const largest: Tensor = { type: "uint8", dims: [1, length], data: new Uint8Array(length).fill(255) };
  const results = await runModel(modelOf(b.graph), new Map([["x", largest]]));
  return [...results.values()].some(({ data }) => Number(data[0]) !== length * 255 * 127);
}
