import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { Normalisation } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import { copyModel, float32, type Model, type Tensor } from "../onnx/index.ts";
import { type Dataset, imageSize } from "./dataset.ts";

/** Images whose patches are looked at, spread evenly over the data. */
const images = 2000;
/** Added to variances, so that what hardly varies is not blown up. */
const leastVariance = 5e-4;

/** A network whose first convolution whitens, and the name of its weights, for `freeze`. */
export interface Whitened {
  readonly network: Model;
  readonly weights: string;
}

/**
 * Gives the first convolution the directions in which patches of the images vary most, scaled to unit variance: half of the
 * filters are eigenvectors of the patches' covariance, the other half their negatives. Training need not find them, and may
 * keep them as they are.
 *
 * Source: Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, section 3.1; after Page, "How to train your
 * ResNet", 2019.
 *
 * @throws UsageError for a network whose first node is no ungrouped convolution with constant weights
 */
export function whitenFirstLayer(network: Model, data: Dataset, normalisation: Normalisation): Whitened {
  const model = copyModel(network);
  const { weights, kernel } = firstConvolution(model, data);
  const [filters, , height, width] = kernel.dims as [number, number, number, number];
  const directions = mostVaried(covariance(data, normalisation, [height, width])).slice(0, filters >> 1);
  const values = kernel.data.slice() as Float32Array;
  values.set(directions.flatMap((direction) => [...direction, ...direction.map((value) => -value)]));
  model.graph.constants.set(weights, float32(values, kernel.dims));
  return { network: model, weights };
}

function firstConvolution({ graph }: Model, data: Dataset): { readonly weights: string; readonly kernel: Tensor } {
  const [first] = graph.nodes;
  const weights = first?.op === "Conv" ? first.inputs[1]! : "";
  const kernel = graph.constants.get(weights);
  if (kernel?.dims[1] === data.shape[0]) return { weights, kernel };
  throw new UsageError(`whitening needs a network that begins with a convolution, this begins with ${first?.op}`);
}

/** Mean products of the values of a patch, patches side by side. */
function covariance(data: Dataset, { scale, offset }: Normalisation, kernel: readonly [number, number]): Matrix {
  const [channels, height, width] = data.shape;
  const offsets = patchOffsets(data.shape, kernel);
  const channelOf = offsets.map((at) => Math.floor(at / (height * width)));
  const products = Matrix.zeros(offsets.length, offsets.length);
  const patch = new Float64Array(channels * kernel[0] * kernel[1]);
  let count = 0;
  for (const start of spread(data.labels.length)) {
    for (const corner of corners(data.shape, kernel)) {
      const at = start * imageSize(data) + corner;
      for (const [i, c] of channelOf.entries()) patch[i] = data.images[at + offsets[i]!]! * scale[c]! + offset[c]!;
      addProducts(products, patch);
      count++;
    }
  }
  return products.div(count);
}

function addProducts(products: Matrix, patch: Float64Array): void {
  for (let i = 0; i < patch.length; i++) {
    for (let j = 0; j < patch.length; j++) products.set(i, j, products.get(i, j) + patch[i]! * patch[j]!);
  }
}

/** Eigenvectors, the most varied first, each scaled so that it gives unit variance. */
function mostVaried(products: Matrix): number[][] {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(products, { assumeSymmetric: true });
  return realEigenvalues
    .map((variance, i) => ({ variance, vector: eigenvectorMatrix.getColumn(i) }))
    .sort((a, b) => b.variance - a.variance)
    .map(({ variance, vector }) => vector.map((value) => value / Math.sqrt(variance + leastVariance)));
}

/** Offsets of the values of a patch from its first, in the order of a convolution's weights. */
function patchOffsets([channels, height, width]: Dataset["shape"], [tall, wide]: readonly [number, number]): number[] {
  const rows = Array.from({ length: channels * tall }, (_, i) => Math.floor(i / tall) * height + (i % tall));
  return rows.flatMap((row) => Array.from({ length: wide }, (_, x) => row * width + x));
}

/** Where the patches of an image begin. */
function corners([, height, width]: Dataset["shape"], [tall, wide]: readonly [number, number]): number[] {
  const [rows, columns] = [Math.floor(height / tall), Math.floor(width / wide)];
  return Array.from(
    { length: rows * columns },
    (_, i) => Math.floor(i / columns) * tall * width + (i % columns) * wide,
  );
}

const spread = (count: number): number[] =>
  Array.from({ length: Math.min(images, count) }, (_, i) => Math.floor((i * count) / Math.min(images, count)));
