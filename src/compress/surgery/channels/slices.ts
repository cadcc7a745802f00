import { elementTypes, sizeOf, type Tensor } from "../../../onnx/index.ts";

/** The tensor with only the slices at some positions of an axis, in the order given. */
export function takeSlices(tensor: Tensor, axis: number, positions: readonly number[]): Tensor {
  const dims = tensor.dims.with(axis, positions.length);
  const data = new elementTypes[tensor.type].array(sizeOf(dims));
  // One by one: a linear layer's runs are single elements, and a million calls of `set` take a second.
  const elements = tensor.data as Float32Array;
  let to = 0;
  forEachRun(tensor, axis, positions, (from, end) => {
    for (let at = from; at < end; at++) data[to++] = elements[at]!;
  });
  return { type: tensor.type, dims, data };
}

/** The tensor with zeros in the slices at some positions of an axis. */
export function zeroSlices(tensor: Tensor, axis: number, positions: readonly number[]): Tensor {
  const data = tensor.data.slice();
  forEachRun(tensor, axis, positions, (from, end) => data.fill(0 as never, from, end));
  return { ...tensor, data };
}

/** Visits the runs of elements at some positions of an axis, row by row. */
function forEachRun(
  { dims }: Tensor,
  axis: number,
  positions: readonly number[],
  visit: (from: number, end: number) => void,
): void {
  const [rows, size, length] = [sizeOf(dims.slice(0, axis)), dims[axis]!, sizeOf(dims.slice(axis + 1))];
  for (let row = 0; row < rows; row++) {
    for (const position of positions) visit((row * size + position) * length, (row * size + position + 1) * length);
  }
}
