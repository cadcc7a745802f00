import type { ChannelRule, ChannelRules } from "../rule.ts";

const activations = ["Relu", "LeakyRelu", "PRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Gelu", "Mish", "Swish"];
const bounded = ["Sigmoid", "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Tanh", "Shrink", "Clip"];
const contributed = ["com.microsoft.Gelu", "com.microsoft.FastGelu", "com.microsoft.QuickGelu"];
const functions = ["Identity", "Dropout", "Cast", "Abs", "Neg", "Sqrt", "Reciprocal", "Exp", "Log", "Erf", "Floor"];
const arithmetic = ["Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Where"];

/** Every element of the output comes of the elements at the same place in the inputs. */
const pointwise: ChannelRule = {
  follow: (tracks) => {
    for (const output of tracks.node.outputs.keys()) {
      for (const input of tracks.node.inputs.keys()) {
        tracks.joinBroadcast(tracks.inputAxes(input), tracks.outputAxes(output));
      }
    }
  },
};

export const elementwise: ChannelRules = Object.fromEntries(
  [...activations, ...bounded, ...contributed, ...functions, ...arithmetic].map((name) => [name, pointwise]),
);
