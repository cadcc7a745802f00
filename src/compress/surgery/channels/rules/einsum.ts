import { subscripts } from "../../../../onnx/operators/matmul.ts";
import type { NodeTracks } from "../node-tracks.ts";
import type { ChannelRule, ChannelRules } from "../rule.ts";
import type { Axes } from "../tracks.ts";

/** An operand or the output: a letter for each axis. */
interface Term {
  readonly letters: string;
  readonly axes: Axes;
}

/** Axes under one letter go together. */
const rule: ChannelRule = {
  follow: (tracks) => {
    const { operands, output } = subscripts(tracks);
    const terms = operands.map((letters, at) => ({ letters, axes: tracks.inputAxes(at) }));
    const made = { letters: output, axes: tracks.outputAxes() };
    if (!isProduct([...terms, made])) return tracks.freezeAll("is no product of two values without ellipses");
    for (const letter of new Set(operands.join(""))) {
      const [first, ...others] = [...terms, made].filter(({ letters }) => letters.includes(letter));
      for (const other of others) tracks.join(axisUnder(letter, first!), axisUnder(letter, other));
      noteLayer(tracks, letter, terms, made);
    }
  },
};

/** Whether there are two operands at most, in which no letter stands twice, and none for axes of several sizes. */
function isProduct(terms: readonly Term[]): boolean {
  if (terms.length > 3) return false;
  const sizes = new Map<string, number>();
  return terms.every(({ letters, axes }) => {
    if (letters.includes(".") || new Set(letters).size < letters.length) return false;
    return axes.every((axis, at) => {
      const size = axis === undefined ? undefined : (sizes.get(letters[at]!) ?? axis.size);
      if (size !== undefined) sizes.set(letters[at]!, size);
      return axis?.size === size;
    });
  });
}

const axisUnder = (letter: string, { letters, axes }: Term): Axes[number] => axes[letters.indexOf(letter)];

/** A letter that the output lacks is summed over; one that only weights and the output have is written. */
function noteLayer(tracks: NodeTracks, letter: string, terms: readonly Term[], made: Term): void {
  const holds = ({ letters }: Term): boolean => letters.includes(letter);
  const weights = terms.find((term, at) => tracks.isConstant(at) && holds(term));
  const computed = terms.find((term, at) => !tracks.isConstant(at) && holds(term));
  const inWeights = weights && axisUnder(letter, weights);
  if (!holds(made) && computed !== undefined) tracks.reads(axisUnder(letter, computed), inWeights);
  if (holds(made) && computed === undefined) tracks.writes(axisUnder(letter, made), inWeights);
}

export const einsum: ChannelRules = { Einsum: rule };
