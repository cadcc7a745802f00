import { Tensor as OrtTensor } from "onnxruntime-node";
import { type Model, modelOf, scalar } from "../onnx/index.ts";
import { type Batch, feedsOf } from "./batch.ts";
import type { Dataset } from "./dataset.ts";
import { emitForward, inner, type NetworkSpec } from "./forward.ts";
import type { Parameter } from "./parameters.ts";
import { openSession } from "./session.ts";
import { withoutStraightThrough } from "./straight-through.ts";

/** The first parameter that holds something else than a number. */
export function brokenParameter(parameters: readonly Parameter[], flat: Float32Array): string | undefined {
  const at = flat.findIndex((value) => !Number.isFinite(value));
  return parameters.find(({ offset, size }) => at >= offset && at < offset + size)?.name;
}

/** The first node of the network whose output on these images holds something else than a number. */
export async function brokenLayer(
  network: Model,
  spec: NetworkSpec,
  flat: Float32Array,
  batch: Batch,
  shape: Dataset["shape"],
): Promise<string | undefined> {
  const { b, opset } = emitForward(network, { ...spec, batch: batch.labels.length, ramp: 0 });
  const made = new Set(b.graph.nodes.flatMap((node) => node.outputs));
  const nodes = network.graph.nodes.filter((node) => made.has(inner(node.outputs[0]!)));
  nodes.forEach((node, i) => {
    const zeros = b.op("Mul", [inner(node.outputs[0]!), b.constant(scalar(0))]);
    b.output(b.op("ReduceSum", [zeros], { keepdims: 0 }), "float32", [], `zero${i}`);
  });
  const session = await openSession(modelOf(withoutStraightThrough(b.graph), opset));
  const parameters = new OrtTensor("float32", flat, [flat.length]);
  const results = await session.run({ images: feedsOf(batch, shape).images!, parameters });
  await session.release();
  return nodes.find((_, i) => results[`zero${i}`]!.data[0] !== 0)?.name;
}
