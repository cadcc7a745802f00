import { attr } from "../../../../onnx/index.ts";
import type { NodeTracks } from "../node-tracks.ts";
import type { ChannelRule, ChannelRules, Resizing } from "../rule.ts";
import type { Axes, Axis } from "../tracks.ts";

/** Joins all axes but one. */
function joinOthers(tracks: NodeTracks, from: Axes, to: Axes, axis: number): void {
  for (const [at, other] of from.entries()) if (at !== axis) tracks.join(other, to[at]);
}

const concat: ChannelRule = {
  follow: (tracks) => {
    const y = tracks.outputAxes();
    const joined = tracks.axis(tracks.int("axis", 1), y.length);
    let at = 0;
    for (const index of tracks.node.inputs.keys()) {
      const x = tracks.inputAxes(index);
      joinOthers(tracks, x, y, joined);
      tracks.joinPart(x[joined], 0, y[joined], at, x[joined]?.size ?? 0);
      at += x[joined]?.size ?? 0;
    }
  },
};

const splitAxis = (tracks: NodeTracks): number => tracks.axis(tracks.int("axis", 0), tracks.inputAxes(0).length);

/** The axis that a Split cuts, in each output. */
const splitParts = (tracks: NodeTracks): Axes =>
  tracks.node.outputs.map((_, index) => tracks.outputAxes(index)[splitAxis(tracks)]);

const split: ChannelRule = {
  follow: (tracks) => {
    const [x, parts] = [tracks.inputAxes(0), splitParts(tracks)];
    if (!parts.every((part) => part !== undefined)) return tracks.freezeAll("splits by sizes that are unknown");
    let at = 0;
    for (const [index, part] of parts.entries()) {
      joinOthers(tracks, x, tracks.outputAxes(index), splitAxis(tracks));
      tracks.joinPart(x[splitAxis(tracks)], at, part, 0, part.size);
      at += part.size;
    }
  },
  resize: ({ node, tracks, kept, setIntegers }) => {
    const sizes = splitParts(tracks).flatMap((part) => (part === undefined ? [] : [kept(part).length]));
    if (sizes.length < node.outputs.length) return;
    node.attributes.delete("num_outputs");
    if (tracks.opset < 13) node.attributes.set("split", attr.ints(sizes));
    else setIntegers(1, sizes);
  },
};

/** What a Slice takes of one axis. */
interface Part {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
}

/** The axes that a Slice names, undefined where its bounds are computed. */
function slicedParts(tracks: NodeTracks): Part[] | undefined {
  const x = tracks.inputAxes(0);
  const [starts, ends] = [tracks.integers(1), tracks.integers(2)];
  const axes = tracks.isGiven(3) ? tracks.integers(3) : starts?.map((_, at) => at);
  const steps = tracks.isGiven(4) ? tracks.integers(4) : starts?.map(() => 1);
  if (starts === undefined || ends === undefined || axes === undefined || steps === undefined) return undefined;
  return axes.map((named, at) => {
    const axis = tracks.axis(named, x.length);
    return { axis, start: firstPosition(starts[at]!, x[axis]?.size), step: steps[at]! };
  });
}

/** As NumPy counts; where the size is unknown the axis is not followed, and 0 stands for any. */
const firstPosition = (start: number, size: number | undefined): number =>
  size === undefined ? 0 : Math.min(size, start < 0 ? Math.max(0, start + size) : start);

/** A part of an axis may lose what the whole loses; where it takes steps both stay. */
const slice: ChannelRule = {
  follow: (tracks) => {
    const [x, y, parts] = [tracks.inputAxes(0), tracks.outputAxes(), slicedParts(tracks)];
    if (parts === undefined) return tracks.freezeAll("computes its bounds");
    for (const [axis, whole] of x.entries()) {
      const { start, step } = parts.find((part) => part.axis === axis) ?? { start: 0, step: 1 };
      if (step === 1) tracks.joinPart(whole, start, y[axis], 0, y[axis]?.size ?? 0);
      else tracks.freeze([whole, y[axis]], "takes every few of them");
    }
  },
  resize: ({ tracks, kept, setIntegers }) => {
    const parts = slicedParts(tracks)!;
    const [starts, ends] = [1, 2].map((index) => tracks.integers(index)!.map(storable)) as [number[], number[]];
    for (const [at, { axis, start, step }] of parts.entries()) {
      const [whole, part] = [tracks.inputAxes(0)[axis], tracks.outputAxes()[axis]];
      if (whole === undefined || part === undefined || step !== 1) continue;
      starts[at] = kept(whole).filter((position) => position < start).length;
      ends[at] = starts[at] + kept(part).length;
    }
    const [axes, steps] = [parts.map(({ axis }) => axis), parts.map(({ step }) => step)];
    for (const [at, integers] of [starts, ends, axes, steps].entries()) setIntegers(at + 1, integers);
  },
};

/** Exporters write "to the end" as the largest int64, which no JavaScript number is. */
const storable = (bound: number): number => Math.max(-largestBound, Math.min(largestBound, bound));
const largestBound = 2 ** 31 - 1;

/** Entries at constant indices: the axis that they are taken from must stay. */
const gather: ChannelRule = {
  follow: (tracks) => {
    const [x, y] = [tracks.inputAxes(0), tracks.outputAxes()];
    const taken = tracks.axis(tracks.int("axis", 0), x.length);
    const added = tracks.rank(1)!;
    tracks.freeze([x[taken], ...tracks.inputAxes(1), ...y.slice(taken, taken + added)], "takes entries by index");
    tracks.joinBroadcast(x.slice(0, taken), y.slice(0, taken));
    tracks.joinBroadcast(x.slice(taken + 1), y.slice(taken + added));
  },
};

/** Leading pads of each axis, and trailing ones; undefined where they are computed. */
function padsOf(tracks: NodeTracks): { leading: number[]; trailing: number[] } | undefined {
  const rank = tracks.inputAxes(0).length;
  const pads = tracks.axes("pads", 1);
  const axes = tracks.isGiven(3) ? tracks.integers(3) : Array.from({ length: rank }, (_, axis) => axis);
  if (pads === undefined || axes === undefined) return undefined;
  const [leading, trailing] = [Array<number>(rank).fill(0), Array<number>(rank).fill(0)];
  for (const [at, axis] of axes.map((axis) => tracks.axis(axis, rank)).entries()) {
    leading[axis] = pads[at]!;
    trailing[axis] = pads[at + axes.length]!;
  }
  return { leading, trailing };
}

/** Elements that a constant pad adds may go like others; other modes copy elements, which must stay. */
const pad: ChannelRule = {
  follow: (tracks) => {
    const [x, y, pads] = [tracks.inputAxes(0), tracks.outputAxes(), padsOf(tracks)];
    if (pads === undefined) return tracks.freezeAll("computes its pads");
    for (const [axis, inner] of x.entries()) {
      const [before, after] = [pads.leading[axis]!, pads.trailing[axis]!];
      const copies = tracks.string("mode", "constant") !== "constant" && (before !== 0 || after !== 0);
      if (copies || before < 0 || after < 0) tracks.freeze([inner, y[axis]], "repeats or cuts its edges");
      else tracks.joinPart(inner, 0, y[axis], before, inner?.size ?? 0);
    }
  },
  resize: (resizing) => {
    const { leading, trailing } = padsOf(resizing.tracks)!;
    const axes = [...leading.keys()];
    resizing.node.inputs.splice(3);
    resizing.setIntegers(1, [
      ...axes.map((axis) => keptPads(resizing, axis, 0, leading[axis]!)),
      ...axes.map((axis) => keptPads(resizing, axis, -trailing[axis]!, trailing[axis]!)),
    ]);
  },
};

/** How many of `count` padded elements stay, from a position that is counted from the end where negative. */
function keptPads({ tracks, kept }: Resizing, axis: number, from: number, count: number): number {
  const padded: Axis | undefined = tracks.outputAxes()[axis];
  if (padded === undefined || count <= 0) return count;
  const first = from < 0 ? padded.size + from : from;
  return kept(padded).filter((position) => position >= first && position < first + count).length;
}

export const slicing: ChannelRules = { Concat: concat, Split: split, Slice: slice, Gather: gather, Pad: pad };
