import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Dataset } from "twindnn/train";

/** SHA-256 of the four files as Zalando Research published them. */
const checksums = {
  "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
  "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
  "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
  "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
} as const;

/** Class names, in label order. */
export const classes = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
] as const;

/** Bytes to network inputs: mean 0.2860 and standard deviation 0.3530 of x / 255. */
export const normalisation = { scale: [1 / 255 / 0.353], offset: [-0.286 / 0.353] };

/** Reads the 60,000 training images or the 10,000 test images from the idx.gz files in `folder`. */
export function readFashionMnist(folder: string, part: "train" | "t10k"): Dataset {
  const images = idx(folder, `${part}-images-idx3-ubyte.gz`, 16);
  const labels = idx(folder, `${part}-labels-idx1-ubyte.gz`, 8);
  return { images, labels, shape: [1, 28, 28] };
}

/** The bytes behind the header of a file whose checksum is right. */
function idx(folder: string, file: keyof typeof checksums, header: number): Uint8Array {
  const packed = readFileSync(join(folder, file));
  const checksum = createHash("sha256").update(packed).digest("hex");
  if (checksum !== checksums[file])
    throw new Error(`${join(folder, file)}: is not the published file (sha256 ${checksum})`);
  return new Uint8Array(gunzipSync(packed)).slice(header);
}
