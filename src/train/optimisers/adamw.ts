import { scalar } from "../../onnx/index.ts";
import type { Optimiser } from "./optimiser.ts";

/**
 * Adam with decoupled weight decay.
 *
 * Sources: Kingma, Ba, "Adam", ICLR 2015; Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019.
 */
export function adamw({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = {}): Optimiser {
  return {
    stateCount: 2,
    emit({ b, parameters, gradient, rate, step, decays, state }) {
      const number = (value: number): string => b.constant(scalar(value));
      const times = (value: string, factor: number): string => b.op("Mul", [value, number(factor)]);
      const blend = (old: string, fresh: string, beta: number): string =>
        b.op("Add", [times(old, beta), times(fresh, 1 - beta)]);
      /** What a moving average that started at zero has seen of its values by now. */
      const seen = (beta: number): string => b.op("Sub", [number(1), b.op("Pow", [number(beta), step])]);
      const mean = blend(state[0]!, gradient, beta1);
      const square = blend(state[1]!, b.op("Mul", [gradient, gradient]), beta2);
      const deviation = b.op("Sqrt", [b.op("Div", [square, seen(beta2)])]);
      const slope = b.op("Div", [b.op("Div", [mean, seen(beta1)]), b.op("Add", [deviation, number(epsilon)])]);
      const decay = times(b.op("Mul", [parameters, decays]), weightDecay);
      const update = b.op("Mul", [b.op("Add", [slope, decay]), rate]);
      return { parameters: b.op("Sub", [parameters, update]), state: [mean, square] };
    },
  };
}
