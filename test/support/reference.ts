import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Network } from "../../src/lanes/index.ts";

/** Logits of an NCHW network on bytes, by the plainest way there is: one image at a time, in this thread. */
export async function referenceLogits(network: Network, bytes: Uint8Array): Promise<Float32Array> {
  const session = await InferenceSession.create(network.file, { executionProviders: ["cpu"], intraOpNumThreads: 1 });
  const { shape } = network.input;
  const size = shape[0] * shape[1] * shape[2];
  const plane = shape[1] * shape[2];
  const rows: number[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    const image = Float32Array.from(bytes.subarray(start, start + size), (byte, i) => {
      const channel = Math.floor(i / plane);
      return byte * network.normalisation.scale[channel]! + network.normalisation.offset[channel]!;
    });
    const output = await session.run({ [network.input.name]: new Tensor("float32", image, [1, ...shape]) });
    rows.push(...(output[network.output.name]!.data as Float32Array));
  }
  await session.release();
  return Float32Array.from(rows);
}
