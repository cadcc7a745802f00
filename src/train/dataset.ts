import { UsageError } from "../errors.ts";

/** Labelled images in memory, as bytes before normalisation. */
export interface Dataset {
  /** One image after the other, each as channel planes. */
  readonly images: Uint8Array;
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Class indices. */
  readonly labels: Uint8Array | Uint16Array;
  readonly teacher?: TeacherLogits;
}

/** Cached logits of the network to learn from, on every image as it is and mirrored. */
export interface TeacherLogits {
  readonly classes: number;
  /** [image, class] */
  readonly plain: Float32Array;
  /** [image, class], of the mirrored image. */
  readonly mirrored: Float32Array;
}

/** Bytes of one image. */
export const imageSize = ({ shape }: Dataset): number => shape[0] * shape[1] * shape[2];

/** The images at `indices`, in that order. Throws UsageError for an index beyond the set. */
export function subset(data: Dataset, indices: ArrayLike<number>): Dataset {
  const size = imageSize(data);
  const picked = Array.from(indices);
  const images = new Uint8Array(picked.length * size);
  picked.forEach((index, i) => {
    if (!(index >= 0 && index < data.labels.length)) {
      throw new UsageError(`image index ${index} lies outside 0..${data.labels.length - 1}`);
    }
    images.set(data.images.subarray(index * size, (index + 1) * size), i * size);
  });
  return { images, shape: data.shape, labels: Uint16Array.from(picked, (index) => data.labels[index]!) };
}
