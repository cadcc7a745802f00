import { Tensor as OrtTensor } from "onnxruntime-node";
import type { Dataset } from "./dataset.ts";

/** The arrays that one training step reads. */
export interface Batch {
  readonly images: Uint8Array;
  readonly labels: BigInt64Array;
  /** [image, class] */
  readonly teacher?: Float32Array;
  /** Where images are mixtures: the labels of the second ones, and the shares of the first. */
  readonly mixed?: { readonly labels: BigInt64Array; readonly shares: Float32Array };
}

/** The `index`-th of `parts` equal parts of a batch. */
export function partOf({ images, labels, teacher, mixed }: Batch, index: number, parts: number): Batch {
  const cut = <T extends Uint8Array | BigInt64Array | Float32Array>(values: T): T =>
    values.subarray((index * values.length) / parts, ((index + 1) * values.length) / parts) as T;
  return {
    images: cut(images),
    labels: cut(labels),
    ...(teacher === undefined ? {} : { teacher: cut(teacher) }),
    ...(mixed === undefined ? {} : { mixed: { labels: cut(mixed.labels), shares: cut(mixed.shares) } }),
  };
}

/** A batch as the inputs of a training graph. */
export function feedsOf({ images, labels, teacher, mixed }: Batch, shape: Dataset["shape"]): Record<string, OrtTensor> {
  const count = labels.length;
  return {
    images: new OrtTensor("uint8", images, [count, ...shape]),
    labels: new OrtTensor("int64", labels, [count]),
    ...(teacher && { teacher: new OrtTensor("float32", teacher, [count, teacher.length / count]) }),
    ...(mixed && {
      other_labels: new OrtTensor("int64", mixed.labels, [count]),
      share: new OrtTensor("float32", mixed.shares, [count, 1]),
    }),
  };
}
