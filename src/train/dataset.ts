import { UsageError } from "../errors.ts";
import type { Model } from "../onnx/index.ts";

/** Labelled images in memory, as bytes before normalisation. */
export interface Dataset {
  /** One image after the other, each as channel planes. */
  readonly images: Uint8Array;
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Class indices. */
  readonly labels: Uint8Array | Uint16Array;
  readonly teacher?: TeacherLogits;
}

/** Cached logits of the network to learn from, on every image as it is, and mirrored where training mirrors. */
export interface TeacherLogits {
  readonly classes: number;
  /** [image, class] */
  readonly plain: Float32Array;
  /** [image, class], of the mirrored image. */
  readonly mirrored?: Float32Array;
}

/** Bytes of one image. */
export const imageSize = ({ shape }: Dataset): number => shape[0] * shape[1] * shape[2];

/** Throws UsageError where a set does not fit the network that is to learn from it. */
export function checkDataset(data: Dataset, { graph }: Model): void {
  const { images, shape, labels, teacher } = data;
  const wanted = graph.inputs[0]?.shape?.slice(1) ?? [];
  if (wanted.join() !== shape.join()) {
    throw new UsageError(`images have shape ${shape.join(" x ")}, the network reads ${wanted.join(" x ")}`);
  }
  if (images.length !== labels.length * imageSize(data)) {
    throw new UsageError(`${labels.length} labels, but ${images.length / imageSize(data)} images`);
  }
  const classes = Number(graph.outputs[0]?.shape?.[1]);
  const beyond = labels.find((label) => label >= classes);
  if (beyond !== undefined) throw new UsageError(`a label is ${beyond}, the network has classes 0..${classes - 1}`);
  const rows = [teacher?.plain, teacher?.mirrored].filter((logits) => logits !== undefined);
  if (
    teacher !== undefined &&
    (teacher.classes !== classes || rows.some(({ length }) => length !== labels.length * classes))
  ) {
    throw new UsageError(`the teacher's logits are not ${labels.length} rows of ${classes}`);
  }
}

/** The images at `indices`, in that order. Throws UsageError for an index beyond the set. */
export function subset(data: Dataset, indices: ArrayLike<number>): Dataset {
  const picked = Array.from(indices);
  const beyond = picked.find((index) => !(index >= 0 && index < data.labels.length));
  if (beyond !== undefined) throw new UsageError(`image index ${beyond} lies outside 0..${data.labels.length - 1}`);
  const images = new Uint8Array(picked.length * imageSize(data));
  pickRows(data.images, images, picked);
  const labels = Uint16Array.from(picked, (index) => data.labels[index]!);
  const chosen = { images, shape: data.shape, labels };
  return data.teacher === undefined ? chosen : { ...chosen, teacher: pickTeacher(data.teacher, picked) };
}

function pickTeacher({ classes, plain, mirrored }: TeacherLogits, indices: readonly number[]): TeacherLogits {
  const rows = (from: Float32Array): Float32Array => {
    const into = new Float32Array(indices.length * classes);
    pickRows(from, into, indices);
    return into;
  };
  return mirrored === undefined
    ? { classes, plain: rows(plain) }
    : { classes, plain: rows(plain), mirrored: rows(mirrored) };
}

/** Copies rows of equal length. */
function pickRows<T extends Uint8Array | Float32Array>(from: T, into: T, indices: readonly number[]): void {
  const size = into.length / indices.length;
  indices.forEach((index, i) => {
    into.set(from.subarray(index * size, (index + 1) * size), i * size);
  });
}
