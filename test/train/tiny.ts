import type { Dataset } from "../../src/train/dataset.ts";
import { residualNetwork } from "../../src/train/networks.ts";
import { numbers } from "./check-gradients.ts";

export const normalisation = { scale: [1 / 128], offset: [-1] };

/** Grey 8x8 pictures with a bright bar: upright (0), lying (1), or none (2), in noise. */
export function bars(count: number, seed = 1): Dataset {
  const random = numbers(seed, [0, 1]);
  const images = Uint8Array.from({ length: count * 64 }, () => 120 * random());
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 3);
  labels.forEach((label, i) => {
    const at = Math.floor(random() * 8);
    for (let k = 0; k < 8; k++) {
      if (label === 0) images[i * 64 + k * 8 + at] = 220;
      if (label === 1) images[i * 64 + at * 8 + k] = 220;
    }
  });
  return { images, labels, shape: [1, 8, 8] };
}

/** A residual network for those pictures. */
export const tinyNetwork = (seed = 1) =>
  residualNetwork(
    {
      name: "tiny",
      input: [1, 8, 8],
      classes: 3,
      stages: [
        { channels: 8, stride: 1, blocks: 1 },
        { channels: 16, stride: 2, blocks: 1 },
      ],
    },
    seed,
  );
