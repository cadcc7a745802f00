import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createPreprocessor, fashionMnist, presets } from "twindnn/data";
import type { Dataset } from "twindnn/train";

/** Bytes to network inputs: mean 0.2860 and standard deviation 0.3530 of x / 255. */
export const { normalisation } = createPreprocessor(presets["fashion-mnist"]!);

/** The 60,000 training images and the 10,000 test images, checked against the published checksums. */
export interface FashionMnist {
  readonly training: Dataset;
  readonly test: Dataset;
}

/** Copies the set from the folder `from`, or downloads it, into `folder`, and reads it. */
export async function readFashionMnist(folder: string, from: string | undefined): Promise<FashionMnist> {
  await fashionMnist(folder, { from });
  const bytes = (file: string, header: number): Uint8Array =>
    new Uint8Array(gunzipSync(readFileSync(join(folder, `${file}-ubyte.gz`)))).slice(header);
  const part = (name: string): Dataset => ({
    images: bytes(`${name}-images-idx3`, 16),
    labels: bytes(`${name}-labels-idx1`, 8),
    shape: [1, 28, 28],
  });
  return { training: part("train"), test: part("t10k") };
}
