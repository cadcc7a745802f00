import type { Dim } from "../graph.ts";
import { forEachIndex, isKnown, stridesOf } from "./dims.ts";
import type { Inferred } from "./operator.ts";

/** A small tensor all of whose sizes are known, with its elements. */
interface Known {
  readonly dims: readonly number[];
  readonly elements: readonly Dim[];
}

function known(value: Inferred | undefined): Known | undefined {
  const { shape, elements } = value ?? {};
  return shape?.every(isKnown) && elements !== undefined ? { dims: shape, elements } : undefined;
}

/**
 * The elements of an output each of which copies one element of one input.
 *
 * @param output the output's shape
 * @param source for an index of the output, the input's index, or undefined where it copies nothing known
 */
export function copyElements(
  input: Inferred | undefined,
  output: readonly Dim[] | undefined,
  source: (index: readonly number[]) => readonly number[],
): readonly Dim[] | undefined {
  const from = known(input);
  if (from === undefined || !output?.every(isKnown)) return undefined;
  const strides = stridesOf(from.dims);
  const elements: Dim[] = [];
  forEachIndex(output, (index) => {
    elements.push(from.elements[source(index).reduce((sum, at, axis) => sum + at * strides[axis]!, 0)]);
  });
  return elements;
}

/** The elements of an output computed elementwise from broadcast inputs. */
export function mapElements(
  inputs: readonly Inferred[],
  output: readonly Dim[] | undefined,
  compute: (operands: readonly Dim[]) => Dim,
): readonly Dim[] | undefined {
  const operands = inputs.map((input) => broadcastElements(input, output));
  if (!operands.every((operand) => operand !== undefined)) return undefined;
  return operands[0]?.map((_, at) => compute(operands.map((operand) => operand[at])));
}

/** The elements of a tensor broadcast to `output`. */
export function broadcastElements(input: Inferred, output: readonly Dim[] | undefined): readonly Dim[] | undefined {
  const { shape } = input;
  if (shape === undefined || output === undefined) return undefined;
  const skip = output.length - shape.length;
  return copyElements(input, output, (index) => shape.map((dim, axis) => (dim === 1 ? 0 : index[axis + skip]!)));
}
