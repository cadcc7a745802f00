import { type GraphBuilder, scalar } from "../onnx/index.ts";

/** What an update rule may read: flat float32 vectors over all parameters, and scalars. */
export interface UpdateInputs {
  readonly b: GraphBuilder;
  readonly parameters: string;
  readonly gradient: string;
  /** Learning rate. */
  readonly rate: string;
  /** Number of this step, counted from 1, as float32. */
  readonly step: string;
  /** 1 where weight decay applies (weights of convolutions and products), 0 elsewhere. */
  readonly decays: string;
  /** The optimiser's own vectors, as many as `stateCount`, zero at the first step. */
  readonly state: readonly string[];
}

/** Emits one update. */
export interface Optimiser {
  readonly stateCount: number;
  emit(inputs: UpdateInputs): { readonly parameters: string; readonly state: readonly string[] };
}

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
