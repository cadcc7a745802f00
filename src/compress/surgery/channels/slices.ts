import { elementTypes, sizeOf, type Tensor } from "../../../onnx/index.ts";

/** The tensor with only the slices at some positions of an axis, in the order given. */
export function takeSlices(tensor: Tensor, axis: number, positions: readonly number[]): Tensor {
  const dims = tensor.dims.with(axis, positions.length);
  const data = new elementTypes[tensor.type].array(sizeOf(dims));
  let to = 0;
  for (const [from, length] of runsAt(tensor, axis, positions)) {
    data.set(tensor.data.subarray(from, from + length) as never, to);
    to += length;
  }
  return { type: tensor.type, dims, data };
}

/** The tensor with zeros in the slices at some positions of an axis. */
export function zeroSlices(tensor: Tensor, axis: number, positions: readonly number[]): Tensor {
  const data = tensor.data.slice();
  for (const [from, length] of runsAt(tensor, axis, positions)) data.fill(0 as never, from, from + length);
  return { ...tensor, data };
}

/** First element and length of each run of elements at some positions of an axis, row by row. */
function* runsAt({ dims }: Tensor, axis: number, positions: readonly number[]): Iterable<[number, number]> {
  const [rows, size, length] = [sizeOf(dims.slice(0, axis)), dims[axis]!, sizeOf(dims.slice(axis + 1))];
  for (let row = 0; row < rows; row++) {
    for (const position of positions) yield [(row * size + position) * length, length];
  }
}
