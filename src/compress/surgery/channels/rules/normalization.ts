import type { NodeTracks } from "../node-tracks.ts";
import type { ChannelRule, ChannelRules } from "../rule.ts";

/** Each channel (axis 1) is scaled by itself, by tensors with an element a channel. */
const channelwise: ChannelRule = {
  follow: (tracks) => {
    if (tracks.isOutputGiven(1)) return tracks.freezeAll("is in training mode");
    const [x, y] = [tracks.inputAxes(0), tracks.outputAxes()];
    tracks.joinBroadcast(x, y);
    for (const index of tracks.node.inputs.keys()) {
      if (index > 0) tracks.join(tracks.inputAxes(index)[0], y[1]);
    }
  },
};

const instanceNormalization: ChannelRule = {
  follow: (tracks) => {
    channelwise.follow(tracks);
    tracks.freeze(tracks.inputAxes(0).slice(2), "normalises over them");
  },
};

/** From `axis` on all axes share their statistics. */
const layerNormalization: ChannelRule = {
  follow: (tracks) => {
    if (tracks.isOutputGiven(1)) return tracks.freezeAll("also puts out statistics");
    freezeFrom(tracks, tracks.int("axis", -1), "normalises over them");
    for (const index of tracks.node.inputs.keys()) tracks.joinBroadcast(tracks.inputAxes(index), tracks.outputAxes());
  },
};

/** Until version 12 a softmax ran over all axes from `axis` on together, from 13 on over `axis` alone. */
const softmax: ChannelRule = {
  follow: (tracks) => {
    const because = "normalises over them";
    const x = tracks.inputAxes(0);
    if (tracks.opset < 13) freezeFrom(tracks, tracks.int("axis", 1), because);
    else tracks.freeze([x[tracks.axis(tracks.int("axis", -1), x.length)]], because);
    tracks.joinBroadcast(x, tracks.outputAxes());
  },
};

function freezeFrom(tracks: NodeTracks, axis: number, because: string): void {
  const x = tracks.inputAxes(0);
  tracks.freeze(x.slice(tracks.axis(axis, x.length)), because);
}

export const normalization: ChannelRules = {
  BatchNormalization: channelwise,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  Softmax: softmax,
  LogSoftmax: softmax,
};
