import type { ChannelRule, ChannelRules } from "../rule.ts";

/** Batch and channels pass through; the rest is pooled over. */
const pooling: ChannelRule = {
  follow: (tracks) => {
    if (tracks.isOutputGiven(1)) return tracks.freezeAll("also puts out positions");
    const [x, y] = [tracks.inputAxes(0), tracks.outputAxes()];
    tracks.joinBroadcast(x.slice(0, 2), y.slice(0, 2));
    tracks.freeze([...x.slice(2), ...y.slice(2)], "pools over them");
  },
};

/** The axes reduced must stay; the others pass through. */
const reduction: ChannelRule = {
  follow: (tracks) => {
    const [x, y] = [tracks.inputAxes(0), tracks.outputAxes()];
    const axes = tracks.axes("axes", 1);
    if (axes === undefined || axes.length === 0) return tracks.freezeAll("reduces all axes");
    const reduced = axes.map((axis) => tracks.axis(axis, x.length));
    const rest = x.filter((_, axis) => !reduced.includes(axis));
    const restOfOutput = y.length === x.length ? y.filter((_, axis) => !reduced.includes(axis)) : y;
    for (const [at, axis] of rest.entries()) tracks.join(axis, restOfOutput[at]);
    tracks.freeze(
      reduced.map((axis) => x[axis]),
      "reduces them",
    );
  },
};

const pools = ["MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"];
const reductions = ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"];

export const pool: ChannelRules = {
  ...Object.fromEntries(pools.map((name) => [name, pooling])),
  ...Object.fromEntries(reductions.map((name) => [name, reduction])),
};
