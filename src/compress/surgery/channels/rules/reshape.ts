import { attr, type Dim } from "../../../../onnx/index.ts";
import { isKnown } from "../../../../onnx/operators/dims.ts";
import { reshapeTarget } from "../../reshape-target.ts";
import type { NodeTracks } from "../node-tracks.ts";
import { alignedDims } from "../reshape-alignment.ts";
import type { ChannelRule, ChannelRules } from "../rule.ts";
import type { Axes, Axis } from "../tracks.ts";

/** The same elements in the same order: axes are kept, split or merged. */
function followView(tracks: NodeTracks): void {
  const [x, y] = [tracks.inputAxes(0), tracks.outputAxes()];
  const { blocks, opaque } = alignedDims(shapeOf(tracks, "input"), shapeOf(tracks, "output"));
  for (const { from, to } of blocks) {
    const [a, b] = [from.map((axis) => x[axis]), to.map((axis) => y[axis])];
    if (a.length === 1 && b.length === 1) joinRepeated(tracks, a[0], b[0]);
    else if (a.length === 1) followFactors(tracks, a[0], b);
    else if (b.length === 1) followFactors(tracks, b[0], a);
    else tracks.freeze([...a, ...b], "splits and merges them at once");
  }
  const left = [...opaque.from.map((axis) => x[axis]), ...opaque.to.map((axis) => y[axis])];
  tracks.freeze(left, "splits or merges them by a size that is unknown");
}

/** Two axes of one size; or, where one is a multiple of the other, it runs through the other several times. */
function joinRepeated(tracks: NodeTracks, a: Axes[number], b: Axes[number]): void {
  if (a === undefined || b === undefined) {
    tracks.join(a, b);
    return;
  }
  const [long, short] = a.size > b.size ? [a, b] : [b, a];
  for (let at = 0; at < long.size; at += short.size) tracks.joinPart(long, at, short, 0, short.size);
}

function shapeOf(tracks: NodeTracks, side: "input" | "output"): readonly Dim[] {
  return (side === "input" ? tracks.input(0) : tracks.output)?.shape ?? [];
}

/**
 * An axis that is the product of several. One of them may lose elements: of those that are not frozen yet the longest,
 * of equals the last. Each of its elements goes with all those of the product that lie on it; the other factors stay.
 */
function followFactors(tracks: NodeTracks, whole: Axis | undefined, factors: Axes): void {
  const free = factors.filter((axis) => tracks.isFree(axis)).filter((axis) => axis !== undefined);
  const chosen = free.reduce<Axis | undefined>(
    (best, axis) => (axis.size >= (best?.size ?? 0) ? axis : best),
    undefined,
  );
  tracks.freeze(
    factors.filter((axis) => axis !== chosen),
    "splits or merges channels by this size",
  );
  if (chosen === undefined || whole === undefined) {
    tracks.freeze([whole], "splits or merges sizes that must all stay");
    return;
  }
  const inner = factors.slice(factors.indexOf(chosen) + 1).reduce((size, axis) => size * (axis?.size ?? 1), 1);
  for (let position = 0; position < whole.size; position++) {
    tracks.joinPart(whole, position, chosen, Math.floor(position / inner) % chosen.size, 1);
  }
}

const view: ChannelRule = { follow: followView };

const reshape: ChannelRule = {
  follow: (tracks) => {
    if (reshapeTarget(shapeOf(tracks, "input"), shapeOf(tracks, "output")) === undefined) {
      tracks.freezeAll("has several unknown sizes");
    } else followView(tracks);
  },
  resize: ({ node, tracks, kept, setIntegers }) => {
    const [from, to] = [shapeOf(tracks, "input"), shapeOf(tracks, "output")];
    const left = tracks.outputAxes().map((axis, at) => (axis === undefined ? to[at] : kept(axis).length));
    const target = reshapeTarget(from, left);
    if (target === undefined) return;
    node.attributes.delete("allowzero");
    setIntegers(1, target);
  },
};

const transpose: ChannelRule = {
  follow: (tracks) => {
    const [x, y] = [tracks.inputAxes(0), tracks.outputAxes()];
    const order = tracks.ints("perm", [...x.keys()].toReversed());
    for (const [to, from] of order.entries()) tracks.join(x[from], y[to]);
  },
};

/** The axes of size 1 that a node adds or drops, as they lie in the longer shape. */
function singleAxes(tracks: NodeTracks, longer: Axes): number[] {
  const named = tracks.axes("axes", 1)?.map((axis) => tracks.axis(axis, longer.length));
  return named ?? longer.flatMap((axis, at) => (axis?.size === 1 ? [at] : []));
}

/** Joins the axes that a node keeps while others of size 1 come or go. */
function joinKept(tracks: NodeTracks, longer: Axes, shorter: Axes): void {
  const single = singleAxes(tracks, longer);
  const kept = longer.filter((_, axis) => !single.includes(axis));
  for (const [at, axis] of kept.entries()) tracks.join(axis, shorter[at]);
}

/** Without axes named it drops all of size 1, and must not drop others that shrink to it. */
const squeeze: ChannelRule = {
  follow: (tracks) => joinKept(tracks, tracks.inputAxes(0), tracks.outputAxes()),
  resize: ({ node, tracks, setIntegers }) => {
    const axes = singleAxes(tracks, tracks.inputAxes(0));
    if (tracks.opset < 13) node.attributes.set("axes", attr.ints(axes));
    else setIntegers(1, axes);
  },
};

const unsqueeze: ChannelRule = {
  follow: (tracks) => joinKept(tracks, tracks.outputAxes(), tracks.inputAxes(0)),
};

/** Sizes that are computed with must stay, unless only unknown ones are taken. */
const shape: ChannelRule = {
  follow: (tracks) => {
    if (tracks.derived.some((value) => hasKnown(value?.elements))) {
      tracks.freeze(tracks.inputAxes(0), "puts out its size, which is computed with; simplify the model first");
    }
  },
};

/** Whether any of some followed integers is a number, or they are not followed. */
const hasKnown = (elements: readonly Dim[] | undefined): boolean => elements?.some(isKnown) ?? true;

export const reshaping: ChannelRules = {
  Reshape: reshape,
  Flatten: view,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Shape: shape,
};
