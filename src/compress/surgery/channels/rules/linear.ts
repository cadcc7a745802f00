import { attr } from "../../../../onnx/index.ts";
import type { NodeTracks } from "../node-tracks.ts";
import type { ChannelRule, ChannelRules } from "../rule.ts";
import type { Axes } from "../tracks.ts";

/** Positions of a convolution differ by neighbourhood, so that its spatial axes must stay. */
function freezeSpace(tracks: NodeTracks): void {
  const because = "convolves over them";
  tracks.freeze(tracks.inputAxes(0).slice(2), because);
  tracks.freeze(tracks.outputAxes().slice(2), because);
}

const isDepthwise = (tracks: NodeTracks): boolean => tracks.int("group", 1) > 1 && tracks.inputAxes(1)[1]?.size === 1;

/** Weights [M, C / group, ...] make M channels. */
const conv: ChannelRule = {
  follow: (tracks) => {
    const [x, w, y] = [tracks.inputAxes(0), tracks.inputAxes(1), tracks.outputAxes()];
    freezeSpace(tracks);
    tracks.join(x[0], y[0]);
    tracks.join(w[0], y[1]);
    if (tracks.isGiven(2)) tracks.join(tracks.inputAxes(2)[0], y[1]);
    if (isDepthwise(tracks)) followDepthwise(tracks);
    else followGroups(tracks);
  },
  resize: ({ node, tracks, kept }) => {
    if (isDepthwise(tracks)) node.attributes.set("group", attr.int(kept(tracks.inputAxes(0)[1]!).length));
  },
};

/** Every channel makes as many of the output's; none is summed over. */
function followDepthwise(tracks: NodeTracks): void {
  const [x, y] = [tracks.inputAxes(0)[1], tracks.outputAxes()[1]];
  if (x === undefined || y === undefined) {
    tracks.freeze([x, y], "has an unknown number of channels");
    return;
  }
  const multiplier = y.size / x.size;
  for (let made = 0; made < y.size; made++) tracks.joinPart(x, Math.floor(made / multiplier), y, made, 1);
}

/** Groups stay of one size, and as many: the channels at one position in each go together. */
function followGroups(tracks: NodeTracks): void {
  const groups = tracks.int("group", 1);
  const [x, w, y] = [tracks.inputAxes(0)[1], tracks.inputAxes(1), tracks.outputAxes()[1]];
  const [taken, made] = [w[1]?.size ?? 0, (w[0]?.size ?? 0) / groups];
  for (let group = 0; group < groups; group++) {
    tracks.joinPart(x, group * taken, w[1], 0, taken);
    tracks.joinPart(y, group * made, y, 0, made);
  }
  tracks.writes(y, w[0]);
  tracks.reads(x, w[1]);
}

/** Weights [C, M, ...]; grouped ones are not followed. */
const convTranspose: ChannelRule = {
  follow: (tracks) => {
    if (tracks.int("group", 1) !== 1) return tracks.freezeAll("is grouped, which is not followed");
    const [x, w, y] = [tracks.inputAxes(0), tracks.inputAxes(1), tracks.outputAxes()];
    freezeSpace(tracks);
    tracks.join(x[0], y[0]);
    tracks.join(x[1], w[0]);
    tracks.join(w[1], y[1]);
    if (tracks.isGiven(2)) tracks.join(tracks.inputAxes(2)[0], y[1]);
    tracks.writes(y[1], w[1]);
    tracks.reads(x[1], w[0]);
  },
};

const gemm: ChannelRule = {
  follow: (tracks) => {
    const transposed = (name: string): boolean => tracks.int(name, 0) === 1;
    const [a, b, y] = [tracks.inputAxes(0), tracks.inputAxes(1), tracks.outputAxes()];
    if (tracks.isGiven(2)) tracks.joinBroadcast(tracks.inputAxes(2), y);
    followProduct(tracks, transposed("transA") ? a.toReversed() : a, transposed("transB") ? b.toReversed() : b);
  },
};

const matmul: ChannelRule = {
  follow: (tracks) => {
    const [a, b, y] = [tracks.inputAxes(0), tracks.inputAxes(1), tracks.outputAxes()];
    if (a.length < 2 || b.length < 2) return tracks.freezeAll("multiplies by a vector, which is not followed");
    tracks.joinBroadcast(a.slice(0, -2), y.slice(0, -2));
    tracks.joinBroadcast(b.slice(0, -2), y.slice(0, -2));
    followProduct(tracks, a.slice(-2), b.slice(-2));
  },
};

/** The product of [rows, inner] and [inner, columns]: a constant side is the layer's weights. */
function followProduct(tracks: NodeTracks, a: Axes, b: Axes): void {
  const y = tracks.outputAxes().slice(-2);
  tracks.join(a[0], y[0]);
  tracks.join(b[1], y[1]);
  tracks.join(a[1], b[0]);
  if (tracks.isConstant(1)) {
    tracks.writes(y[1], b[1]);
    tracks.reads(a[1], b[0]);
  } else if (tracks.isConstant(0)) {
    tracks.writes(y[0], a[0]);
    tracks.reads(b[0], a[1]);
  } else tracks.reads(a[1]);
}

export const linear: ChannelRules = { Conv: conv, ConvTranspose: convTranspose, Gemm: gemm, MatMul: matmul };
