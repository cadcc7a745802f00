import { zipSync } from "fflate";
import { UsageError } from "../errors.ts";
import { writeWhole } from "../files.ts";
import { encodeNpy } from "./npy.ts";
import type { Pixels } from "./types.ts";

/** What a zip entry without a date gets: the same images make the same bytes. */
const noDate = new Date(1980, 0, 1);

/**
 * Packs images of one size into a `.npz`, as `numpy.load` and `openImages` read it: `images` [N, H, W] or [N, H, W, C] of bytes,
 * and `labels` [N].
 *
 * @throws UsageError when sizes differ or a label is missing; InputError when the file cannot be written
 */
export async function packNpz(path: string, images: readonly Pixels[], labels: readonly number[]): Promise<void> {
  const [first] = images;
  if (first === undefined) throw new UsageError(`${path}: there are no images to pack`);
  if (labels.length !== images.length)
    throw new UsageError(`${path}: ${labels.length} labels for ${images.length} images`);
  const { width, height, channels } = first;
  const odd = images.find((image) => image.width !== width || image.height !== height || image.channels !== channels);
  if (odd !== undefined) {
    throw new UsageError(
      `${path}: images of ${width} x ${height} and ${odd.width} x ${odd.height} do not pack together`,
    );
  }
  const shape = channels === 1 ? [images.length, height, width] : [images.length, height, width, channels];
  const archive = zipSync(
    {
      "images.npy": encodeNpy(Buffer.concat(images.map(({ data }) => data)), shape),
      "labels.npy": encodeNpy(BigInt64Array.from(labels, BigInt), [labels.length]),
    },
    { level: 9, mtime: noDate },
  );
  await writeWhole(path, archive);
}
