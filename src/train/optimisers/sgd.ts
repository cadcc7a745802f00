import { scalar } from "../../onnx/index.ts";
import type { Optimiser } from "./optimiser.ts";

/**
 * Stochastic gradient descent with Nesterov's momentum: `v = m v + g; w = w - rate (g + m v)`, where g includes the
 * weight decay.
 *
 * Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.
 */
export function sgd({ momentum = 0.9, weightDecay = 5e-4 } = {}): Optimiser {
  return {
    stateCount: 1,
    emit({ b, parameters, gradient, rate, decays, state }) {
      const times = (value: string, factor: number): string => b.op("Mul", [value, b.constant(scalar(factor))]);
      const decay = times(b.op("Mul", [parameters, decays]), weightDecay);
      const slope = b.op("Add", [gradient, decay]);
      const velocity = b.op("Add", [times(state[0]!, momentum), slope]);
      const step = b.op("Mul", [b.op("Add", [slope, times(velocity, momentum)]), rate]);
      return { parameters: b.op("Sub", [parameters, step]), state: [velocity] };
    },
  };
}
