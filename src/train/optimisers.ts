import { type GraphBuilder, scalar } from "../onnx/index.ts";

/** What an update rule may read: flat float32 vectors over all parameters, and scalars. */
export interface UpdateInputs {
  readonly b: GraphBuilder;
  readonly parameters: string;
  readonly gradient: string;
  /** Learning rate. */
  readonly rate: string;
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
